#include "walk/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "walk/make.h"
#include "walk/rule.h"

#define LINKS_MAX 40            /* as the kernel: path_resolution(7) */
#define TEXT_MAX (3 * PATH_MAX) /* a link's text, a path, and room for the path's rest while the link is read */

struct walk {
	char *text; /* what is still to be walked starts at TAKEN */
	size_t taken;
	size_t given; /* as much of its end is of the path, and not of a link; SIZE_MAX: no link was followed */
	int dir;      /* the directory that the walk has reached, O_PATH */
	struct stat dir_stat;
	int flags;
	int links;
	struct walk_where *where;
	struct ground ground; /* of what lies in DIR */
};

/* Updates the path for messages: down into NAME, or up for "..". What does not fit is left out. */
static void place(struct walk_where *where, const char *name)
{
	size_t length = strlen(where->path);

	if (strcmp(name, "..") == 0) {
		while (length > 0 && where->path[--length] != '/')
			;
		where->path[length] = '\0';
	} else if (strcmp(name, ".") != 0) {
		snprintf(where->path + length, sizeof(where->path) - length, "/%s", name);
	}
}

/* Refuses something of this owner and mode. */
static int refuse(struct walk *walk, int err, uint32_t uid, mode_t mode)
{
	walk->where->uid = uid;
	walk->where->mode = mode;
	return fd_fail(err);
}

/* Refuses foreign ground, which began in a directory of that owner and mode. */
static int refuse_ground(struct walk *walk, int err)
{
	return refuse(walk, err, walk->ground.owner, walk->ground.mode);
}

/* Completes the directory NAME in PARENT if a killed run left it unfinished on the way to another one. */
static int finish_parent(int fd, int parent, const char *name, struct stat *stat, int flags)
{
	const int unfinished = flags & WALK_MAKE ? walk_is_unfinished(fd, stat, UINT32_MAX) : 0;

	if (unfinished <= 0)
		return unfinished;
	return walk_finish(fd, parent, name, WALK_PARENT_MODE, UINT32_MAX, UINT32_MAX) == 0 ? fd_fstat(fd, stat) : -1;
}

/* Moves to the directory FD, NAME in the present one; takes ownership of FD even on failure. */
static int enter(struct walk *walk, int fd, const char *name, struct stat *stat)
{
	int above = walk->dir;

	if (finish_parent(fd, above, name, stat, walk->flags) != 0) {
		fd_close(fd);
		return -1;
	}
	if (S_ISDIR(stat->st_mode))
		ground_enter(&walk->ground, above, fd, stat, walk->flags & WALK_MAKE);
	fd_close(above);
	walk->dir = fd;
	walk->dir_stat = *stat;
	if (!S_ISDIR(stat->st_mode))
		return fd_fail(ENOTDIR);
	if ((walk->flags & WALK_TRUSTED) && !walk_is_roots(fd, stat))
		return refuse(walk, EPERM, stat->st_uid, stat->st_mode);
	return ground_act(&walk->ground) == 0 ? 0 : refuse_ground(walk, errno);
}

static int enter_root(struct walk *walk)
{
	struct stat stat;

	identity_return();
	walk->ground = (struct ground){.source = walk->flags & WALK_SOURCE};
	int fd = fd_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
	if (fd < 0 || fd_fstat(fd, &stat) != 0) {
		fd_close(fd);
		return -1;
	}
	walk->where->path[0] = '\0';
	return enter(walk, fd, ".", &stat);
}

/*
 * Takes the next component off the text into NAME (of NAME_MAX + 1 bytes); "." if none is left. *LAST: only slashes
 * follow.
 */
static int take(struct walk *walk, char *name, bool *last)
{
	const char *rest = walk->text + walk->taken;

	rest += strspn(rest, "/");
	size_t length = strcspn(rest, "/");
	if (length > NAME_MAX)
		return fd_fail(ENAMETOOLONG);
	memcpy(name, rest, length);
	name[length] = '\0';
	if (length == 0)
		memcpy(name, ".", sizeof("."));
	rest += length;
	*last = rest[strspn(rest, "/")] == '\0';
	walk->taken = (size_t)(rest - walk->text);
	return 0;
}

/*
 * If the rule allows following LINK, puts its text in front of the rest of the path. The owner of the link alone
 * proves nothing: the owner of the directory could have moved a link owned by root there.
 */
static int follow_link(struct walk *walk, int link, const struct stat *stat)
{
	if (walk->ground.foreign)
		return refuse_ground(walk, ELOOP);
	if (walk_is_procfs(link) || stat->st_uid != 0)
		return refuse(walk, ELOOP, stat->st_uid, stat->st_mode);
	if (!walk_is_roots(walk->dir, &walk->dir_stat))
		return refuse(walk, ELOOP, walk->dir_stat.st_uid, walk->dir_stat.st_mode);
	if (++walk->links > LINKS_MAX)
		return fd_fail(ELOOP);
	/* The rest waits at the end of the buffer while the text of the link is read to its beginning. */
	size_t rest = strlen(walk->text + walk->taken) + 1;
	if (rest > TEXT_MAX - PATH_MAX)
		return fd_fail(ENAMETOOLONG);
	if (rest - 1 < walk->given)
		walk->given = rest - 1;
	memmove(walk->text + TEXT_MAX - rest, walk->text + walk->taken, rest);
	walk->text[0] = '\0';
	ssize_t length = readlinkat(link, "", walk->text, PATH_MAX);
	if (length <= 0)
		return fd_fail(length < 0 ? errno : ENOENT); /* an empty link leads nowhere: path_resolution(7) */
	if (length >= PATH_MAX)
		return fd_fail(ENAMETOOLONG);
	memmove(walk->text + length, walk->text + TEXT_MAX - rest, rest);
	walk->taken = 0;
	return walk->text[0] == '/' ? enter_root(walk) : 0;
}

/* Makes the directory NAME, which is missing. */
static int make_missing(const struct walk *walk, const char *name)
{
	int fd = walk_mkdir(walk->dir, name, WALK_PARENT_MODE, UINT32_MAX, UINT32_MAX);
	int err = errno;

	/* Another run may be faster. */
	if (fd < 0 && (err == EEXIST || err == ESTALE))
		fd = fd_openat(walk->dir, name, O_PATH | O_NOFOLLOW);
	errno = err;
	return fd;
}

/*
 * Opens the component found->name, or makes it, as the flags ask. 0 with -1 as found->fd: it is missing, and may be. What
 * the text of a link leads to must be there.
 */
static int open_component(const struct walk *walk, struct walk_found *found, bool last)
{
	const int flags = walk->flags;

	found->fd = fd_openat(walk->dir, found->name, O_PATH | O_NOFOLLOW);
	if (found->fd < 0 && errno == ENOENT && flags & WALK_NEW) {
		if (walk->given == 0)
			return fd_fail(ENOLINK);
		const bool given = strlen(walk->text + walk->taken) < walk->given;
		if (given && last)
			return 0;
		if (flags & WALK_PARENTS)
			found->fd = given ? make_missing(walk, found->name) : fd_fail(EEXIST);
	}
	return found->fd < 0 ? -1 : fd_fstat(found->fd, &found->stat);
}

/* Takes one component: 1 if it was the last and is FOUND, 0 to go on, -1 with errno. */
static int take_step(struct walk *walk, struct walk_found *found)
{
	const size_t above = strlen(walk->where->path);
	bool last = false;

	found->fd = -1;
	if (take(walk, found->name, &last) != 0)
		return -1;
	place(walk->where, found->name);
	int opened = open_component(walk, found, last);
	/* Another container may have given the directory away since it was judged, and its new owner have moved what was opened. */
	while (ground_is_given(&walk->ground, walk->dir)) {
		fd_close(found->fd);
		found->fd = -1;
		if (ground_act(&walk->ground) != 0 || (walk->flags & WALK_TRUSTED && fd_fail(EPERM) != 0))
			return refuse_ground(walk, errno);
		opened = open_component(walk, found, last);
	}
	if (opened != 0) {
		fd_close(found->fd);
		return -1;
	}
	if (found->fd < 0)
		return 1;
	if (S_ISLNK(found->stat.st_mode) && (!last || (walk->flags & WALK_FOLLOW))) {
		int result = follow_link(walk, found->fd, &found->stat);
		if (result == 0 && walk->text[0] != '/')
			walk->where->path[above] = '\0';
		close(found->fd);
		return result;
	}
	return last ? 1 : enter(walk, found->fd, found->name, &found->stat);
}

int walk_find(const char *path, int flags, struct walk_found *found)
{
	char text[TEXT_MAX]; /* not cleared: most walks touch only its first page */
	struct walk walk = {.text = text,
			    .given = SIZE_MAX,
			    .dir = -1,
			    .dir_stat = {.st_uid = UINT32_MAX},
			    .flags = flags,
			    .where = &found->where};
	size_t length = strlen(path);
	int result = -1;

	found->where = (struct walk_where){.path = "", .acted = UINT32_MAX};
	if (path[0] != '/' || length >= PATH_MAX) {
		errno = path[0] != '/' ? EINVAL : ENAMETOOLONG;
	} else {
		memcpy(text, path, length + 1);
		result = enter_root(&walk);
	}
	while (result == 0)
		result = take_step(&walk, found);
	if (identity_is_changed())
		found->where.acted = identity_uid();
	found->parent = walk.dir;
	found->ground = walk.ground;
	if (result == 1)
		return 0;
	fd_close(walk.dir);
	found->fd = found->parent = -1;
	return -1;
}

void walk_release(struct walk_found *found)
{
	fd_close(found->fd);
	fd_close(found->parent);
}

int walk_open(const char *path, int flags, struct walk_where *where)
{
	struct walk_found found;
	int result = walk_find(path, flags, &found);
	int err = errno;

	identity_return();
	if (where)
		*where = found.where;
	if (result != 0)
		return fd_fail(err);
	close(found.parent);
	return found.fd;
}

int walk_enter(const struct walk_found *found)
{
	struct ground inside = found->ground;

	ground_enter(&inside, found->parent, found->fd, &found->stat, false);
	return ground_act(&inside);
}

const char *walk_why(struct mem *mem, int err, const struct walk_where *where)
{
	unsigned int mode = where->mode & 07777;
	char why[512];

	if (err == ELOOP && S_ISDIR(where->mode))
		return mem_format(mem,
				  "\"%s\" is a symbolic link in a directory of uid %u with mode %04o, where others "
				  "could have put it",
				  where->path, where->uid, mode);
	if (err == ELOOP && where->uid != 0)
		return mem_format(mem, "\"%s\" is a symbolic link of uid %u: only root's are followed", where->path,
				  where->uid);
	if (err == ELOOP && S_ISLNK(where->mode))
		return mem_format(mem, "\"%s\" is a symbolic link on procfs", where->path);
	if (err == GROUND_NO_IDENTITY)
		return mem_format(mem, "\"%s\" lies in or below a directory of uid %u with mode %04o: " GROUND_NEEDS,
				  where->path, where->uid, mode);
	if (err == EACCES && where->acted != UINT32_MAX)
		return mem_format(mem, "%s (as uid %u, as whom capshim acts here)", strerror(err), where->acted);
	if (err == EPERM && S_ISDIR(where->mode))
		return mem_format(
			mem,
			"the directory \"%s\" belongs to uid %u and has mode %04o: it must be owned by root and "
			"writable by nobody else",
			where->path[0] ? where->path : "/", where->uid, mode);
	return mem_text(mem, diag_why(why, sizeof(why), err, CAP_DAC_OVERRIDE));
}
