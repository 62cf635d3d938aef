#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/text.h"

#define FIRST_FD 3U
#define KEEP_FDS 1024U      /* size of the set of kept descriptors */
#define LAST_FD INT_MAX     /* close_range(2): all descriptors; gVisor takes UINT_MAX for -1 */
#define FD_CEILING 1048576U /* no descriptor reaches it while fs.nr_open has its default, proc(5) */

/* Closes those of FIRST..LAST that /proc lists. False: /proc has no such list. */
static bool close_listed(unsigned int first, unsigned int last)
{
	const int proc = fd_openat(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY);
	DIR *list = proc < 0 ? NULL : fd_list(proc);
	struct statfs system = {0};
	const bool listed = list && fstatfs(dirfd(list), &system) == 0 && system.f_type == PROC_SUPER_MAGIC;

	fd_close(proc);
	for (const char *name; listed && (name = fd_next(list));) {
		const uint64_t fd = text_number(name, 10, NULL);
		if (fd >= first && fd <= last && fd != (uint64_t)dirfd(list))
			close((int)fd);
	}
	return fd_end(list) == 0 && listed;
}

/* The last resort. If a descriptor could be above the range, it would be passed on unseen: then the run ends. */
static void close_each(unsigned int first, unsigned int last)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	if (last > FD_CEILING && (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max > FD_CEILING))
		diag_die(DIAG_SYSTEM, "cannot close every descriptor: needs close_range(2) or /proc, or a hard limit "
				      "\"nofile\" of at most 1048576");
	for (unsigned int fd = first; fd <= last && fd < FD_CEILING; fd++)
		close((int)fd);
}

/*
 * Opens a descriptor in FIRST..LAST that must be closed afterwards; -1 if none is possible because the limit is below
 * FIRST. Cheaper than checking each descriptor, and poll(2) does not see those opened with O_PATH.
 */
static int canary_place(unsigned int first, unsigned int last)
{
	int fd = (int)syscall(SYS_fcntl, STDIN_FILENO, F_DUPFD_CLOEXEC,
			      (int)first); /* musl's fcntl(3) makes two calls */

	if (fd >= 0 && (unsigned int)fd <= last)
		return fd;
	if (fd < 0 && errno != EINVAL && errno != EMFILE)
		diag_cannot("duplicate", "standard input", errno, DIAG_NO_CAP);
	/* There is no room between FIRST and LAST: all of them are open. */
	fd_close(fd);
	return fcntl((int)first, F_GETFD) != -1 ? (int)first : -1;
}

static void close_span(unsigned int first, unsigned int last)
{
	int canary = canary_place(first, last);

	/* EPERM: the outer seccomp profile does not know the call. */
	if (syscall(SYS_close_range, first, last, 0) != 0) {
		if (errno != ENOSYS && errno != EPERM)
			diag_cannot("close", "the descriptors above 2", errno, DIAG_NO_CAP);
		if (!close_listed(first, last))
			close_each(first, last);
	}
	if (canary != -1 && (fcntl(canary, F_GETFD) != -1 || errno != EBADF))
		diag_die(DIAG_UNPROVEN, "cannot prove that the descriptors above 2 are closed: %d is open", canary);
}

void descriptors_close(const uint64_t *keep)
{
	unsigned int first = FIRST_FD;

	for (unsigned int word = 0; keep && word < KEEP_FDS / 64; word++)
		for (uint64_t left = keep[word]; left; left &= left - 1) {
			unsigned int fd = word * 64 + (unsigned int)__builtin_ctzll(left);
			if (fd > first)
				close_span(first, fd - 1);
			if (fd >= first)
				first = fd + 1;
		}
	close_span(first, LAST_FD);
}
