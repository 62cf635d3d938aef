#include "walk/make.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <linux/limits.h>

#include "base/fd.h"
#include "walk/held.h"
#include "walk/rule.h"

static const char access_list[] = "system.posix_acl_access", default_list[] = "system.posix_acl_default";

/* Is there no list that could be removed? Many file systems have none. */
static int no_list(void)
{
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -1;
}

/* An entry of a list as the kernel shows it, acl(5); behind four bytes, all of it little-endian. */
struct entry {
	uint16_t tag, bits;
	uint32_t id;
};
#define ENTRIES_BEGIN 4
#define TAG_USER 0x01
#define TAG_GROUP 0x04
#define TAG_MASK 0x10
#define TAG_OTHER 0x20
#define ENTRIES_LEAST 3 /* those of owner, group and others: the bits of the mode */

/*
 * Takes the names out of LIST, so that the group has what its own entry gives it; without the list it would have what the mask
 * gives to all that are named. Returns its new length, or 0 where both are the same.
 */
static size_t without_names(char *list, size_t length)
{
	struct entry entry, least[ENTRIES_LEAST];
	uint16_t mask = 07, group = 0;
	size_t count = 0;

	for (size_t at = ENTRIES_BEGIN; at + sizeof(entry) <= length; at += sizeof(entry)) {
		memcpy(&entry, list + at, sizeof(entry));
		if (entry.tag == TAG_MASK)
			mask = entry.bits;
		if (entry.tag == TAG_GROUP)
			group = entry.bits;
		if (count < ENTRIES_LEAST &&
		    (entry.tag == TAG_USER || entry.tag == TAG_GROUP || entry.tag == TAG_OTHER))
			least[count++] = entry;
	}
	if ((mask & ~group) == 0 || count != ENTRIES_LEAST)
		return 0;
	least[1].bits &= mask;
	memcpy(list + ENTRIES_BEGIN, least, sizeof(least));
	return ENTRIES_BEGIN + sizeof(least);
}

static int remove_acl(int fd, const char *which)
{
	char link[WALK_LINK], list[XATTR_SIZE_MAX];
	ssize_t length = fgetxattr(fd, which, list, sizeof(list));
	const bool path = length < 0 && errno == EBADF;

	/* O_PATH: by its magic link, which needs no right to read what it names. Without /proc a directory is opened. */
	if (path && walk_link(fd, link) != 0) {
		int directory = fd_openat(fd, ".", O_RDONLY | O_DIRECTORY);
		int result = directory < 0 ? -1 : remove_acl(directory, which);
		fd_close(directory);
		return result;
	}
	if (path)
		length = getxattr(link, which, list, sizeof(list));
	if (length < 0)
		return no_list();
	/* Of a directory the mode stays, which steps compare, and its set-group-ID bit. */
	struct stat stat;
	const bool names = which == access_list && fd_fstat(fd, &stat) == 0 && !S_ISDIR(stat.st_mode);
	const size_t least = names ? without_names(list, (size_t)length) : 0;
	if (path)
		return least ? setxattr(link, which, list, least, 0) : removexattr(link, which);
	return least ? fsetxattr(fd, which, list, least, 0) : fremovexattr(fd, which);
}

/* Has FD such a list? 1 or 0; -1 if that cannot be seen. */
static int has_list(int fd, const char *which)
{
	char link[WALK_LINK];
	ssize_t length = fgetxattr(fd, which, NULL, 0);

	if (length >= 0 || errno != EBADF)
		return length >= 0 ? 1 : no_list();
	if (walk_link(fd, link) == 0) {
		length = getxattr(link, which, NULL, 0);
	} else {
		const int directory = fd_openat(fd, ".", O_RDONLY | O_DIRECTORY);
		length = directory < 0 ? -1 : fgetxattr(directory, which, NULL, 0);
		fd_close(directory);
	}
	return length >= 0 ? 1 : no_list();
}

int walk_has_acl(int fd)
{
	return has_list(fd, access_list);
}

static int remove_acls(int fd)
{
	return remove_acl(fd, access_list) == 0 ? remove_acl(fd, default_list) : -1;
}

int walk_clear_acl(int fd, int parent, const char *name, uint32_t owner)
{
	struct stat stat;

	/* To see that there is none needs no rights. */
	if (fd_fstat(fd, &stat) == 0 && has_list(fd, access_list) == 0 &&
	    (S_ISREG(stat.st_mode) || has_list(fd, default_list) == 0))
		return 0;
	const struct ground_acted was = ground_become(owner, IDENTITY_NO_ID);
	int result = remove_acls(fd);

	if (result != 0 && errno == ENOTDIR && name) {
		/* Of a FIFO or a device it cannot be seen, or removed. */
		const int in = walk_reopen(fd, parent, name, O_RDONLY);
		result = in < 0 ? (errno == EINVAL ? 0 : -1) : remove_acls(in);
		fd_close(in);
	}
	ground_back(&was);
	return result;
}

int walk_disinherit(int fd, int parent)
{
	return walk_is_of_others(parent) ? remove_acl(fd, access_list) : 0;
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

#define NOT_UNFINISHED (05777 ^ WALK_UNFINISHED) /* bits that an unfinished directory does not have */

/*
 * Is this what the identity has just MADE in PARENT? It is known by its mode. But some file systems choose the mode, and a default list
 * can take rights from the owner: so another mode does as well in a directory of the identity's own; with bits that nobody asked
 * for, if nobody else can write there, who could have moved another directory of that user's to the name.
 */
static bool is_made(const struct stat *made, int parent)
{
	struct stat above;

	return made->st_uid == identity_uid() &&
	       ((made->st_mode & 05777) == WALK_UNFINISHED ||
		(made->st_uid != 0 && fd_fstat(parent, &above) == 0 && above.st_uid == made->st_uid &&
		 !(made->st_mode & NOT_UNFINISHED && above.st_mode & (S_IWGRP | S_IWOTH))));
}

int walk_made(int parent, const char *name)
{
	struct stat made;
	int empty = 0, fd = fd_openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0 || !walk_is_of_others(parent))
		return fd;
	if (fd_fstat(fd, &made) == 0 && is_made(&made, parent) && !fd_begins_mount(fd, "")) {
		empty = is_empty(fd, made.st_uid);
		if (empty < 0 && errno == EACCES && !(made.st_mode & NOT_UNFINISHED) &&
		    ground_chmod(fd, parent, name, made.st_uid, made.st_gid, WALK_UNFINISHED) == 0)
			empty = is_empty(fd, made.st_uid);
	}
	/* EACCES: another run has completed it meanwhile. */
	if (empty == 0 || (empty < 0 && errno == EACCES))
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
	if (fd >= 0 && ((uid != UINT32_MAX && uid != identity_uid()) || ground_is_entered()))
		ground_remember(fd);
	if (fd < 0 || walk_finish(fd, parent, name, mode, uid, gid) == 0)
		return fd;
	fd_close(fd);
	return -1;
}
