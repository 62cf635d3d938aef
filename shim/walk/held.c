#include "walk/held.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/fd.h"

/* Newer than the headers of some C libraries. The number is the same on every architecture but alpha. */
#define CALL_FCHMODAT2 452

#define REOPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)

#define LEASE_WAITS 200 /* of one run: the owner of a volume can lease any number of files */
#define LEASE_WAIT 10   /* milliseconds */

int walk_open_leased(int parent, const char *name, int flags)
{
	static int waits = LEASE_WAITS;
	int fd = fd_openat(parent, name, flags | REOPEN_FLAGS);

	for (; fd < 0 && errno == EAGAIN && waits > 0; waits--) {
		(void)poll(NULL, 0, LEASE_WAIT);
		fd = fd_openat(parent, name, flags | REOPEN_FLAGS);
	}
	return fd;
}

bool walk_may_be_written(int fd)
{
	struct statvfs fs = {0};

	/* For a writer that comes meanwhile; the default SIGIO would end this process. */
	(void)fcntl(fd, F_SETSIG, SIGURG);
	return fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && (fstatvfs(fd, &fs) != 0 || !(fs.f_flag & ST_RDONLY));
}

/* Does a lease say who has a file open? Not where other machines open it as well. */
static bool has_leases(int fd)
{
	struct statfs fs = {0};

	return fstatfs(fd, &fs) == 0 && fs.f_type != NFS_SUPER_MAGIC && (uint32_t)fs.f_type != CIFS_SUPER_MAGIC &&
	       (uint32_t)fs.f_type != SMB2_SUPER_MAGIC;
}

int walk_lease(int fd, int kind)
{
	(void)fcntl(fd, F_SETSIG, SIGURG); /* the default SIGIO would end this process */
	if (fcntl(fd, F_SETLEASE, kind) == 0)
		return 1;
	if (errno == EAGAIN)
		return has_leases(fd) ? fd_fail(ESTALE) : 0;
	return errno == EACCES && has_leases(fd) ? fd_fail(GROUND_NO_IDENTITY) : 0;
}

static int reopen_file(const struct stat *held, int parent, const char *name, int flags, struct stat *opened)
{
	if (!S_ISREG(held->st_mode))
		return fd_fail(EINVAL);
	int new = walk_open_leased(parent, name, flags);
	if (new < 0)
		return -1;
	if (fd_fstat(new, opened) == 0 && opened->st_dev == held->st_dev && opened->st_ino == held->st_ino)
		return new;
	close(new);
	return fd_fail(ESTALE);
}

int walk_reopen(int fd, int parent, const char *name, int flags)
{
	struct stat held, opened;

	if (fd_fstat(fd, &held) != 0)
		return -1;
	if (S_ISDIR(held.st_mode))
		return fd_openat(fd, ".", flags | REOPEN_FLAGS | O_DIRECTORY);
	return reopen_file(&held, parent, name, flags, &opened);
}

int walk_reopen_found(const struct walk_found *found, int flags, struct stat *opened)
{
	return reopen_file(&found->stat, found->parent, found->name, flags, opened);
}

static bool procfs; /* this step has seen that /proc is a procfs; no other user can mount something else there */

void walk_forget_procfs(void)
{
	procfs = false;
}

int walk_link(int fd, char path[WALK_LINK])
{
	struct statfs fs = {0};

	snprintf(path, WALK_LINK, "/proc/self/fd/%d", fd);
	if (!procfs && statfs("/proc/self/fd", &fs) != 0)
		return -1;
	procfs |= fs.f_type == PROC_SUPER_MAGIC;
	return procfs ? 0 : fd_fail(ENOENT);
}

int walk_chown(int fd, uint32_t uid, uint32_t gid)
{
	char link[WALK_LINK];
	int result = fchownat(fd, "", uid, gid, AT_EMPTY_PATH);

	if (result == 0 || errno != EBADF) /* which is gVisor's answer for O_PATH */
		return result;
	return walk_link(fd, link) != 0 ? -1 : fchownat(AT_FDCWD, link, uid, gid, 0);
}

int walk_chmod(int fd, int parent, const char *name, mode_t mode)
{
	char link[WALK_LINK];

	if (syscall(CALL_FCHMODAT2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	/* Both mean that the call does not exist: outer seccomp profiles answer EPERM. */
	if (errno != ENOSYS && errno != EPERM)
		return -1;
	int err = errno;
	/* Not through the C library: musl falls back to /proc, whatever lies there. */
	if (syscall(SYS_fchmod, fd, mode) == 0)
		return 0;
	if (errno != EBADF) /* EBADF is the answer for O_PATH: open(2) */
		return -1;
	if (walk_link(fd, link) == 0 && fchmodat(AT_FDCWD, link, mode, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	int opened = walk_reopen(fd, parent, name, O_RDONLY);
	if (opened < 0)
		return fd_fail(errno == EINVAL ? err : errno);
	int result = fchmod(opened, mode);
	fd_close(opened);
	return result;
}
