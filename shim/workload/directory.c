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

/* The raw call, as fd_fstat(): what is not filled in is no directory. */
static bool read_directory(const char *path, int flags, struct stat *directory)
{
	memset(directory, 0, sizeof(*directory));
	return syscall(SYS_newfstatat, AT_FDCWD, path, directory, flags) == 0 && S_ISDIR(directory->st_mode);
}

/* Does the process stand there? Also if it may not search that directory. */
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

/* The second try, as the user; where only root could enter, the process is there already. */
void workload_enter_again(const char *directory)
{
	int err = enter_directory(directory);

	if (err != 0 && ((err != EACCES && err != EPERM) || same_directory("/")))
		diag_cannot("enter", directory, err, DIAG_NO_CAP);
}

/*
 * getcwd(2) puts "(unreachable)" in front of a directory outside the root, which a runtime may have leaked to us. The
 * raw call: libc would hide it or search for a name.
 */
void workload_prove_inside_root(void)
{
	char path[PATH_MAX]; /* not cleared whole: that is a page */

	path[0] = '\0';
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		diag_die(DIAG_UNPROVEN,
			 "cannot prove that the working directory is inside the root: %s (write "
			 "working_dir)",
			 strerror(errno));
	if (path[0] != '/')
		diag_die(DIAG_UNPROVEN,
			 "cannot prove that the working directory is inside the root: \"%s\" (write "
			 "working_dir)",
			 path);
}

/*
 * By the walk's rule: a link that somebody else may have planted does not take root's working directory, and with it
 * the workload's, to where the user could never get. Returns 0 or an errno value.
 */
static int enter_as_root(const char *directory)
{
	int fd = walk_open(directory, WALK_FOLLOW, NULL);
	int err = fd >= 0 && fchdir(fd) == 0 ? 0 : errno;

	fd_close(fd);
	return err;
}

/*
 * Root may enter what the user cannot, and the user what root cannot (NFS with root squash, no CAP_DAC_OVERRIDE, links
 * of its own): so it is tried on both sides of the switch, and once must succeed. "/" marks that root could not.
 */
void workload_enter_early(const struct plan *plan)
{
	int err = plan->nonroot ? EACCES : enter_as_root(plan->working_dir);

	if (err != 0 && err != EACCES && err != EPERM && err != ELOOP)
		diag_cannot("enter", plan->working_dir, err, DIAG_NO_CAP);
	if (err != 0 && (err = enter_directory("/")) != 0)
		diag_cannot("enter", "/", err, DIAG_NO_CAP);
}
