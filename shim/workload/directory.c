#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "walk/walk.h"
#include "workload/parts.h"

/* If the kernel filled nothing in, it is not a directory. */
static bool read_directory(const char *path, int flags, struct stat *directory)
{
	return fd_fstatat(AT_FDCWD, path, flags, directory) == 0 && S_ISDIR(directory->st_mode);
}

/* Is DIRECTORY the working directory? Also works if the process may not search it. */
static bool same_directory(const char *path)
{
	struct stat here, there;

	if (!read_directory("", AT_EMPTY_PATH, &here) || !read_directory(path, 0, &there))
		diag_die(DIAG_UNPROVEN, "cannot prove that the working directory is \"%s\": it cannot be read", path);
	return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

static int enter_directory(const char *directory)
{
	if (chdir(directory) != 0)
		return errno;
	if (!same_directory(directory))
		diag_die(DIAG_UNPROVEN, "cannot prove that the working directory is \"%s\"", directory);
	return 0;
}

/* The second try, as the user. If only root could enter the directory, the process is there already. */
void workload_enter_again(const char *directory)
{
	int err = enter_directory(directory);

	if (err != 0 && ((err != EACCES && err != EPERM) || same_directory("/")))
		diag_cannot("enter", directory, err, DIAG_NO_CAP);
}

/*
 * getcwd(2) puts "(unreachable)" in front of a directory outside the root, which a runtime may have leaked. The raw
 * call: libc would hide it or search for a name.
 */
void workload_prove_inside_root(void)
{
	char path[PATH_MAX]; /* not cleared as a whole: it is a page */

	path[0] = '\0';
	const bool there = syscall(SYS_getcwd, path, sizeof(path)) >= 0;
	if (!there && errno == ENOENT)
		diag_die(DIAG_SYSTEM, "cannot start in the working directory: it has been deleted (write working_dir)");
	if (!there || path[0] != '/')
		diag_die(DIAG_UNPROVEN,
			 "cannot prove that the working directory is inside the root: \"%s\" (write working_dir)",
			 there ? path : strerror(errno));
}

/*
 * Uses the walk's rules: neither a link nor a directory that others have put there may take root's working directory, and so the
 * workload's, to a place that the user could never reach. Behind a directory that is not root's alone the user's own try decides.
 * Returns 0 or an errno value.
 */
static int enter_as_root(const char *directory)
{
	int fd = walk_open(directory, WALK_FOLLOW | WALK_TRUSTED, NULL);
	int err = fd >= 0 && fchdir(fd) == 0 ? 0 : errno;

	fd_close(fd);
	return err;
}

/*
 * Root may be able to enter what the user cannot, and the user what root cannot (NFS with root squash, no
 * CAP_DAC_OVERRIDE, the user's own links). So both try, before and after the switch, and one must succeed. "/" means
 * that root could not.
 */
void workload_enter_early(const struct plan *plan)
{
	int err = plan->nonroot ? EACCES : enter_as_root(plan->working_dir);

	if (err != 0 && err != EACCES && err != EPERM && err != ELOOP)
		diag_cannot("enter", plan->working_dir, err, DIAG_NO_CAP);
	if (err != 0 && (err = enter_directory("/")) != 0)
		diag_cannot("enter", "/", err, DIAG_NO_CAP);
}
