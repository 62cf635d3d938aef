#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/fd.h"
#include "workload/parts.h"
#include "workload/workload.h"

#define NULL_DEVICE makedev(1, 3)
#define OBJECT_SIZE sizeof("file descriptor -2147483648")
#define MEMORY_MAJOR 1 /* null, zero, full, random */

static bool open_null(int want)
{
	struct stat status;
	int fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY);

	if (fd == want && fd_fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == NULL_DEVICE)
		return true;
	fd_close(fd);
	return false;
}

/*
 * Without /dev/null: a pipe that nobody writes to. Reading it returns end of file, writing EBADF, as if it were
 * closed.
 */
static bool open_pipe(int want)
{
	int ends[2] = {-1, -1};

	return pipe(ends) == 0 && close(ends[1]) == 0 && ends[0] == want;
}

void workload_stdio_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (!open_null(fd) && !open_pipe(fd))
			diag_die(DIAG_SYSTEM, "cannot open something on the closed file descriptor %d: %s", fd,
				 strerror(errno));
	}
}

/*
 * A pipe, a socket or a terminal of another user. For a terminal two answers from different calls: the null device and the
 * like have a major number of their own, which no terminal has (the kernel's devices.txt). One wrong ioctl(2) must not
 * give away the machine's /dev/null, which outlives this container.
 */
static bool foreign(int fd, const struct stat *status, uint32_t uid)
{
	return status->st_uid != uid &&
	       (S_ISFIFO(status->st_mode) || S_ISSOCK(status->st_mode) ||
		(S_ISCHR(status->st_mode) && major(status->st_rdev) != MEMORY_MAJOR && isatty(fd)));
}

bool workload_stdio_foreign(int fd, uint32_t uid)
{
	struct stat status;

	return fd_fstat(fd, &status) == 0 &&
	       (foreign(fd, &status, uid) || (S_ISREG(status.st_mode) && status.st_uid != uid));
}

/* An eventfd(2) and the like are of no type that fstat(2) knows; what is below a directory can be opened. */
static bool has_no_type(int fd)
{
	const int below = errno == EIO ? fd_openat(fd, ".", O_PATH | O_DIRECTORY) : -1;

	fd_close(below);
	return below < 0 && errno == ENOTDIR;
}

/*
 * Writes into OBJECT what messages call FD. False: FD has no type. A directory that a runtime has left there would be a way
 * out of the container (CVE-2024-21626), and so would a mount that is attached nowhere, which is one too. A namespace is
 * not: setns(2) needs CAP_SYS_ADMIN there.
 */
static bool look_at_fd(int fd, char *object, struct stat *status)
{
	snprintf(object, OBJECT_SIZE, "file descriptor %d", fd);
	if (fd_fstat(fd, status) != 0) {
		if (has_no_type(fd))
			return false;
		diag_cannot("look at", object, errno, DIAG_NO_CAP);
	}
	if (S_ISDIR(status->st_mode))
		diag_die(DIAG_SYSTEM, "cannot give the workload \"%s\": it is a directory", object);
	return true;
}

void workload_look_at_kept(const struct plan *plan)
{
	const size_t words = sizeof(plan->keep_fds) / sizeof(*plan->keep_fds);
	char object[OBJECT_SIZE];
	struct stat status;

	for (size_t word = 0; word < words; word++)
		for (uint64_t left = plan->keep_fds[word]; left; left &= left - 1) {
			const int fd = (int)word * 64 + __builtin_ctzll(left);
			if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
				(void)look_at_fd(fd, object, &status);
		}
}

/*
 * Opening /proc/self/fd/1, and so /dev/stdout, checks permissions again: a pipe owned by root is EACCES for the
 * workload. The group stays, as with container runtimes; /dev/null is for everybody and is not a terminal.
 */
void workload_stdio_own(const struct plan *plan)
{
	const uint32_t uid = plan->workload.uid;
	const bool gives = plan->own_stdio == STDIO_TRUE ||
			   (plan->own_stdio == STDIO_AUTO && plan->start.effective & CAPABILITY_BIT(CAP_CHOWN));
	char object[OBJECT_SIZE];
	struct stat status;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (!look_at_fd(fd, object, &status) || !gives || !foreign(fd, &status, uid))
			continue;
		if (fchown(fd, uid, (gid_t)-1) == 0) {
			if (workload_stdio_foreign(fd, uid))
				diag_die(DIAG_UNPROVEN, "cannot prove the owner of \"%s\": it is not %u", object, uid);
		} else if (plan->own_stdio != STDIO_AUTO || (errno != EPERM && errno != EINVAL && errno != EROFS)) {
			/* `auto` tolerates: no CAP_CHOWN over this owner, one that is not mapped, a read-only file system. */
			diag_cannot("give the workload", object, errno, CAP_CHOWN);
		}
	}
}
