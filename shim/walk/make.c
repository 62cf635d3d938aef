#include "walk/make.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/fd.h"
#include "walk/held.h"
#include "walk/rule.h"

#define ACCESS_LIST "system.posix_acl_access"

/* Is there no list that could be removed? Many file systems have none. */
static int no_list(void)
{
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
}

static int remove_acl(int fd, const char *which)
{
	char link[WALK_LINK];

	if (fgetxattr(fd, which, NULL, 0) >= 0)
		return fremovexattr(fd, which);
	if (errno != EBADF)
		return no_list();
	/* O_PATH: by its magic link, which needs no right to read what it names. Without /proc a directory is opened. */
	if (walk_link(fd, link) == 0)
		return getxattr(link, which, NULL, 0) < 0 ? no_list() : removexattr(link, which);
	int directory = fd_openat(fd, ".", O_RDONLY | O_DIRECTORY);
	if (directory < 0)
		return -1;
	int result = remove_acl(directory, which);
	fd_close(directory);
	return result;
}

bool walk_has_acl(int fd)
{
	char link[WALK_LINK];

	return fgetxattr(fd, ACCESS_LIST, NULL, 0) >= 0 ||
	       (errno == EBADF && walk_link(fd, link) == 0 && getxattr(link, ACCESS_LIST, NULL, 0) >= 0);
}

static int remove_acls(int fd)
{
	return remove_acl(fd, ACCESS_LIST) == 0 ? remove_acl(fd, "system.posix_acl_default") : -1;
}

int walk_clear_acl(int fd, int parent, const char *name, uint32_t owner)
{
	const struct ground_acted was = ground_become(owner, IDENTITY_NO_ID);
	int result = remove_acls(fd);

	if (result != 0 && errno == ENOTDIR && name) {
		const int in = walk_reopen(fd, parent, name, O_RDONLY);
		result = in < 0 ? -1 : remove_acls(in);
		fd_close(in);
	}
	ground_back(&was);
	return result;
}

int walk_disinherit(int fd, int parent)
{
	return walk_is_of_others(parent) ? remove_acl(fd, ACCESS_LIST) : 0;
}

/* 1, 0, or -1 with errno if it cannot be read, as its OWNER. */
static int is_empty(int fd, uint32_t owner)
{
	const struct ground_acted was = ground_become(owner, IDENTITY_NO_ID);
	DIR *dir = fd_list(fd);
	const int empty = !fd_next(dir), result = fd_end(dir) == 0 ? empty : -1;

	ground_back(&was);
	return result;
}

int walk_is_unfinished(int fd, const struct stat *stat, uint32_t uid)
{
	/* A set-group-ID directory hands that bit down. */
	if (!S_ISDIR(stat->st_mode) || (stat->st_mode & 05777) != WALK_UNFINISHED ||
	    (stat->st_uid != identity_uid() && stat->st_uid != uid))
		return 0;
	return is_empty(fd, stat->st_uid);
}

int walk_made(int parent, const char *name)
{
	struct stat made;
	int fd = fd_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0 || !walk_is_of_others(parent))
		return fd;
	const int empty = fd_fstat(fd, &made) == 0 && made.st_uid == identity_uid() ? is_empty(fd, made.st_uid) : 0;
	if (empty == 0)
		errno = ESTALE;
	if (empty > 0 && walk_clear_acl(fd, parent, name, made.st_uid) == 0)
		return fd;
	fd_close(fd);
	return -1;
}

int walk_finish(int fd, int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	struct stat now;

	/* New entries inherit the group of a set-group-ID directory, and its owner would choose who may read them. */
	if (gid == UINT32_MAX)
		gid = ground_group(uid);
	if (uid == UINT32_MAX)
		uid = identity_uid();
	if (fd_fstat(fd, &now) != 0)
		return -1;
	/*
	 * The mode last, because it says that the directory is complete. Only the owner may chmod(2): before the change of
	 * owner if capshim cannot act as the new one, but after the group, which may be that of a set-group-ID directory.
	 */
	const bool given = now.st_uid != uid, first = given && !identity_can_change();
	if (first && ((now.st_gid != gid && walk_chown(fd, UINT32_MAX, gid) != 0) ||
		      walk_chmod(fd, parent, name, mode & 01777) != 0))
		return -1;
	if ((given || now.st_gid != gid) && walk_chown(fd, uid, gid) != 0)
		return -1;
	/* Until then the owner of the ground could give it access control lists; also before a run that was killed here. */
	if (uid != identity_uid() && ground_is_foreign() && walk_clear_acl(fd, parent, name, uid) != 0)
		return -1;
	if (first && !(mode & 06000))
		return 0;
	if (ground_chmod(fd, parent, name, uid, gid, mode) != 0 || fd_fstat(fd, &now) != 0)
		return -1;
	if ((now.st_mode & 07777) == mode)
		return 0;
	return fd_fail(EPERM); /* chmod(2) clears a set-group-ID bit silently */
}

int walk_mkdir(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
{
	if (mkdirat(parent, name, WALK_UNFINISHED) != 0)
		return -1;
	int fd = walk_made(parent, name);
	if (fd >= 0 && uid != UINT32_MAX && uid != identity_uid())
		ground_remember(fd);
	if (fd < 0 || walk_finish(fd, parent, name, mode, uid, gid) == 0)
		return fd;
	fd_close(fd);
	return -1;
}
