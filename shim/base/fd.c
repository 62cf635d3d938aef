#include "base/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The kernel's struct statx: C libraries declare it only since some version, and in different headers. */
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
#define STATX_BASIC 0x7ffU
#define STATX_MNT_ID_BIT 0x1000U
#define STATX_NEEDED (STATX_WANTED & ~STATX_MNT_ID_BIT)
#define STATX_MOUNT_ROOT 0x2000U

#ifdef SYS_setresuid32
static_assert(SYS_setresuid == SYS_setresuid32 && sizeof(time_t) == 8, "a 32-bit machine without base/calls32.h");
#else
/* The kernel's struct stat is the C library's on machines that have no second one for large files. */
static_assert(sizeof(struct stat) == 144 || sizeof(struct stat) == 128, "fstat(2) of x86-64; of arm64 and riscv64");
static_assert(sizeof(long) == 8, "the system calls are those of 64-bit machines");
#endif

/* Always openat(2): musl's open(3) adds a call on the descriptor that was returned. */
int fd_openat(int parent, const char *name, int flags)
{
	return fd_checked(openat(parent, name, flags | O_CLOEXEC));
}

void fd_close(int fd)
{
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
}

void fd_unlink(int parent, const char *name)
{
	int err = errno;

	(void)unlinkat(parent, name, 0);
	errno = err;
}

int fd_fail(int err)
{
	errno = err;
	return -1;
}

int fd_checked(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	return fd_fail(EBADF);
}

ssize_t fd_read_all(int fd, char *bytes, size_t room, size_t enough)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = read(fd, bytes + done, room - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	} while (n != 0 && done < room && n != (ssize_t)enough);
	return (ssize_t)done;
}

ssize_t fd_read_path(const char *path, char *bytes, size_t size)
{
	int fd = fd_openat(AT_FDCWD, path, O_RDONLY);
	const ssize_t used = fd < 0 ? -1 : fd_read_all(fd, bytes, size - 1, 0);

	fd_close(fd);
	bytes[used < 0 ? 0 : used] = '\0';
	return used;
}

bool fd_write_all(int fd, const void *bytes, size_t length)
{
	for (size_t done = 0; done < length;) {
		const ssize_t n = write(fd, (const char *)bytes + done, length - done);
		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

#ifdef SYS_setresuid32
/* The C library's struct stat is none of the kernel's. */
static long kernel_stat(int parent, const char *path, struct stat *stat, int flags)
{
	struct kernel_statx kernel = {0};

	if (syscall(SYS_statx, parent, path, flags, STATX_BASIC, &kernel) != 0)
		return -1;
	*stat = (struct stat){
		.st_dev = makedev(kernel.dev_major, kernel.dev_minor),
		.st_ino = kernel.ino,
		.st_mode = kernel.mode,
		.st_nlink = kernel.nlink,
		.st_uid = kernel.uid,
		.st_gid = kernel.gid,
		.st_rdev = makedev(kernel.rdev_major, kernel.rdev_minor),
		.st_size = (off_t)kernel.size,
		.st_blocks = (blkcnt_t)kernel.blocks,
		.st_atim = {(time_t)kernel.times[0][0], (long)(uint32_t)kernel.times[0][1]},
		.st_ctim = {(time_t)kernel.times[2][0], (long)(uint32_t)kernel.times[2][1]},
		.st_mtim = {(time_t)kernel.times[3][0], (long)(uint32_t)kernel.times[3][1]},
	};
	return 0;
}

static long kernel_fstat(int fd, struct stat *stat)
{
	return kernel_stat(fd, "", stat, AT_EMPTY_PATH);
}
#else
static long kernel_stat(int parent, const char *path, struct stat *stat, int flags)
{
	return syscall(SYS_newfstatat, parent, path, stat, flags);
}

static long kernel_fstat(int fd, struct stat *stat)
{
	return syscall(SYS_fstat, fd, stat);
}
#endif

#ifndef __GLIBC__
/* For all that asks, the C library too: its own copies what the kernel fills in, by 0.5 KB. */
int fstatat(int parent, const char *restrict path, struct stat *restrict stat, int flags)
{
	return (int)kernel_stat(parent, path, stat, flags);
}
#endif

/* RESULT, unless the kernel filled nothing in. */
static int fd_filled(long result, const struct stat *stat)
{
	return result != 0 || stat->st_mode & S_IFMT ? (int)result : fd_fail(EIO);
}

int fd_fstat(int fd, struct stat *stat)
{
	*stat = (struct stat){.st_uid = UINT32_MAX, .st_gid = UINT32_MAX};
	return fd_filled(kernel_fstat(fd, stat), stat);
}

int fd_fstatat(int parent, const char *path, int flags, struct stat *stat)
{
	*stat = (struct stat){.st_uid = UINT32_MAX, .st_gid = UINT32_MAX};
	return fd_filled(kernel_stat(parent, path, stat, flags), stat);
}

int fd_statx(int parent, const char *name, struct fd_stat *stat)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
	struct kernel_statx kernel;

	kernel.mask = 0; /* of a call that does nothing; to clear the rest is 1 % of what a file of a tree takes */
	/* gVisor has no automounts and answers EINVAL for the flag. */
	if (syscall(SYS_statx, parent, name, flags | AT_NO_AUTOMOUNT, STATX_WANTED, &kernel) != 0 &&
	    (errno != EINVAL || syscall(SYS_statx, parent, name, flags, STATX_WANTED, &kernel) != 0))
		return -1;
	if ((kernel.mask & STATX_NEEDED) != STATX_NEEDED)
		return fd_fail(EIO); /* the file system does not know the owner, or the call did nothing */
	*stat = (struct fd_stat){
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

bool fd_begins_mount(int parent, const char *name)
{
	struct fd_stat stat;

	return fd_statx(parent, name, &stat) == 0 && stat.mount_begins;
}

DIR *fd_list(int fd)
{
	int directory = fd_openat(fd, ".", O_RDONLY | O_DIRECTORY);
	DIR *dir = directory < 0 ? NULL : fdopendir(directory);

	if (!dir)
		fd_close(directory);
	return dir;
}

const char *fd_next(DIR *dir)
{
	const struct dirent *entry = NULL;

	errno = dir ? 0 : errno;
	while (dir && (entry = readdir(dir)) && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
		;
	return entry ? entry->d_name : NULL;
}

int fd_end(DIR *dir)
{
	int err = errno;

	if (dir)
		closedir(dir);
	errno = err;
	return dir && err == 0 ? 0 : -1;
}

struct stat fd_plain(const struct fd_stat *stat)
{
	return (struct stat){
		.st_nlink = stat->nlink,
		.st_uid = stat->uid,
		.st_gid = stat->gid,
		.st_mode = stat->mode,
	};
}
