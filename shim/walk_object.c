/* What is done to one object that a walk found: always on its descriptor. */
#include "walk.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Newer than the headers of some C libraries. The number is the same on every architecture but alpha. */
#define CALL_FCHMODAT2 452

#define PROC_MAGIC 0x9fa0 /* PROC_SUPER_MAGIC of statfs(2) */

/* The kernel's struct statx: C libraries declare it since different versions and in different headers. */
struct kernel_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, padding;
	uint64_t ino, size, blocks, attributes_mask;
	uint64_t times[4][2];
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t mnt_id;
	uint64_t spare[13];
};
static_assert(sizeof(struct kernel_statx) == 256, "statx(2)");

#define STATX_WANTED (0x1U | 0x2U | 0x4U | 0x8U | 0x10U | 0x100U | 0x1000U) /* type mode nlink uid gid ino mnt_id */
#define STATX_MNT_ID_BIT 0x1000U
#define STATX_NEEDED (STATX_WANTED & ~STATX_MNT_ID_BIT)
#define STATX_MOUNT_ROOT 0x2000U

/* The kernel's struct stat is the C libraries' on the machines that have one without a second one for large files. */
static_assert(sizeof(struct stat) == 144 || sizeof(struct stat) == 128, "fstat(2) of x86-64 and arm64");

int walk_fstat(int fd, struct stat *stat)
{
	*stat = (struct stat){.st_uid = UINT32_MAX, .st_gid = UINT32_MAX};
	if (syscall(SYS_fstat, fd, stat) != 0)
		return -1;
	if (stat->st_mode & S_IFMT)
		return 0;
	errno = EIO;
	return -1;
}

int walk_stat(int parent, const char *name, struct walk_stat *stat)
{
	struct kernel_statx kernel = {0};

	if (syscall(SYS_statx, parent, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH, STATX_WANTED,
		    &kernel) != 0)
		return -1;
	if ((kernel.mask & STATX_NEEDED) != STATX_NEEDED) {
		errno = EIO; /* a file system that does not know the owner of its files, or a call that did nothing */
		return -1;
	}
	*stat = (struct walk_stat){
		.uid = kernel.uid,
		.gid = kernel.gid,
		.nlink = kernel.nlink,
		.mode = kernel.mode,
		.dev = makedev(kernel.dev_major, kernel.dev_minor),
		.ino = kernel.ino,
		.mount = kernel.mask & STATX_MNT_ID_BIT ? kernel.mnt_id : 0,
		.mount_begins = (kernel.attributes & STATX_MOUNT_ROOT) != 0,
	};
	return 0;
}

struct stat walk_plain(const struct walk_stat *stat)
{
	return (struct stat){
		.st_nlink = stat->nlink,
		.st_uid = stat->uid,
		.st_gid = stat->gid,
		.st_mode = stat->mode,
	};
}

#define REOPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

static int reopen_file(const struct stat *held, int parent, const char *name, int flags, struct stat *opened)
{
	memset(opened, 0, sizeof(*opened));
	if (!S_ISREG(held->st_mode)) {
		errno = EINVAL;
		return -1;
	}
	int new = walk_openat(parent, name, flags | REOPEN_FLAGS);
	if (new < 0)
		return -1;
	if (walk_fstat(new, opened) == 0 && opened->st_dev == held->st_dev && opened->st_ino == held->st_ino)
		return new;
	close(new);
	errno = ESTALE;
	return -1;
}

int walk_reopen(int fd, int parent, const char *name, int flags)
{
	struct stat held, opened;

	if (walk_fstat(fd, &held) != 0)
		return -1;
	if (S_ISDIR(held.st_mode))
		return walk_openat(fd, ".", flags | REOPEN_FLAGS | O_DIRECTORY);
	return reopen_file(&held, parent, name, flags, &opened);
}

int walk_reopen_found(const struct walk_found *found, int flags, struct stat *opened)
{
	return reopen_file(&found->stat, found->parent, found->name, flags, opened);
}

/* By the magic link of FD, if /proc is what it should be: an image could hold a directory of that name. */
static int chmod_by_proc(int fd, mode_t mode)
{
	struct statfs fs = {0};
	char number[16];
	int proc = walk_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY);

	if (proc < 0)
		return -1;
	int result = -1;
	errno = ENOENT;
	if (fstatfs(proc, &fs) == 0 && fs.f_type == PROC_MAGIC) {
		snprintf(number, sizeof(number), "%d", fd);
		result = fchmodat(proc, number, mode, 0);
	}
	int err = errno;
	close(proc);
	errno = err;
	return result;
}

int walk_chmod(int fd, int parent, const char *name, mode_t mode)
{
	if (syscall(CALL_FCHMODAT2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	/* Both mean that there is no such call: EPERM is what outer seccomp profiles answer. */
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	int err = errno;
	/* Not the C library's: musl goes to /proc by itself, whatever lies there. */
	if (syscall(SYS_fchmod, fd, mode) == 0)
		return 0;
	if (errno != EBADF) /* which is the answer for O_PATH: open(2) */
		return -1;
	if (chmod_by_proc(fd, mode) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	int opened = walk_reopen(fd, parent, name, O_RDONLY);
	if (opened < 0) {
		if (errno == EINVAL)
			errno = err;
		return -1;
	}
	int result = fchmod(opened, mode);
	err = errno;
	close(opened);
	errno = err;
	return result;
}

/* Could others than root have changed what lies in the directory? Without an answer: yes. */
static bool is_of_others(int directory)
{
	struct stat stat;

	return walk_fstat(directory, &stat) != 0 || stat.st_uid != 0 || (stat.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

const char *walk_planted(const struct stat *file, int directory)
{
	struct stat stat;

	if (!is_of_others(directory))
		return NULL;
	if (file->st_nlink > 1)
		return "it has other hard links, and its directory is not root's alone";
	if (walk_fstat(directory, &stat) == 0 &&
	    (stat.st_uid == 0 || stat.st_uid == file->st_uid || (file->st_mode & S_IROTH) ||
	     (stat.st_gid == file->st_gid && (file->st_mode & S_IRGRP))))
		return NULL;
	return "its directory's owner may not read it, and could have moved it there";
}

/* Removing one asks for more rights than looking whether there is one; a file system may have none: setxattr(2). */
static int remove_acl(int fd, const char *which)
{
	if (fgetxattr(fd, which, NULL, 0) < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	return fremovexattr(fd, which);
}

int walk_clear_acl(int fd)
{
	int directory = walk_openat(fd, ".", O_RDONLY | O_DIRECTORY);
	int result = directory < 0 ? -1 : remove_acl(directory, "system.posix_acl_access");

	if (result == 0)
		result = remove_acl(directory, "system.posix_acl_default");
	int err = errno;
	if (directory >= 0)
		close(directory);
	errno = err;
	return result;
}

/* The same for what cannot be opened, such as a device: by the magic link of FD, as chmod_by_proc() has it. */
static int clear_acl_by_proc(int fd)
{
	struct statfs fs = {0};
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (statfs("/proc/self/fd", &fs) != 0 || fs.f_type != PROC_MAGIC) {
		errno = ENOENT;
		return -1;
	}
	if (getxattr(path, "system.posix_acl_access", NULL, 0) < 0)
		return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
	return removexattr(path, "system.posix_acl_access");
}

int walk_disinherit(int fd, int parent)
{
	struct stat stat;

	if (!is_of_others(parent))
		return 0;
	if (walk_fstat(fd, &stat) != 0)
		return -1;
	if (S_ISREG(stat.st_mode))
		return remove_acl(fd, "system.posix_acl_access");
	return clear_acl_by_proc(fd);
}

static bool is_empty(int fd)
{
	int directory = walk_openat(fd, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;
	bool empty = true;

	if (!dir) {
		if (directory >= 0)
			close(directory);
		return false;
	}
	errno = 0;
	while ((entry = readdir(dir)))
		empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	empty &= errno == 0;
	closedir(dir);
	return empty;
}

int walk_made(int parent, const char *name)
{
	int fd = walk_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0 || !is_of_others(parent))
		return fd;
	if (is_empty(fd)) {
		if (walk_clear_acl(fd) == 0)
			return fd;
	} else {
		errno = ESTALE;
	}
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

int walk_mkdir(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	struct stat made;

	if (mkdirat(parent, name, 0700) != 0)
		return -1;
	int fd = walk_made(parent, name);
	if (fd < 0)
		return -1;
	/* A set-group-ID directory hands its group down, and whoever owns it would choose who may read below. */
	if (uid == UINT32_MAX)
		uid = geteuid();
	if (gid == UINT32_MAX)
		gid = getegid();
	/* Mode first: once it is somebody else's, chmod(2) needs CAP_FOWNER. */
	if (walk_chmod(fd, parent, name, mode) == 0 && walk_fstat(fd, &made) == 0 &&
	    ((made.st_uid == uid && made.st_gid == gid) || fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0))
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}
