#include <errno.h>
#include <fcntl.h>

#include "walk/held.h"
#include "walk/tree_parts.h"

/* The ground of what lies in the directory FD, which is in PARENT on the ground ABOVE. */
static void find_ground(const struct tree_walk *tree, int parent, const struct ground *above, struct tree_directory *to,
			int fd)
{
	const struct stat plain = fd_plain(&to->stat);

	to->ground = *above;
	to->ground.entered = false;
	if (above->source || !above->foreign || above->more != IDENTITY_NO_ID || to->stat.mount_begins)
		ground_enter(&to->ground, parent, fd, &plain, false);
	else
		ground_see(&to->ground, fd, &plain);
	if (!tree->as_owners)
		return;
	to->ground.alone = !above->foreign || above->alone;
	ground_as_owner(&to->ground, to->stat.uid);
}

/* Does the owner of the directory, as whom the walk acts in it, lack rights to it that he could give himself? */
static bool is_locked(const struct tree_walk *tree, const struct tree_directory *it)
{
	return (tree->as_owners || it->stat.uid == it->ground.uid) && (it->stat.mode & tree->unlock) != tree->unlock;
}

/*
 * Adds the rights that its owner lacks to the directory FD in PARENT, or puts it off. If that fails, using the directory will
 * fail. Not where another mount begins, which is left alone. 0, or -1 with errno.
 */
static int unlock(struct tree_walk *tree, struct tree_directory *it, int parent, int fd)
{
	if (!is_locked(tree, it) || (it->stat.mount_begins && !tree->cross_mounts && parent != tree->parent))
		return 0;
	if (tree->put_off) {
		tree->closed++;
		return fd_fail(ENOENT);
	}
	if (ground_act(&it->ground) == 0 &&
	    ground_chmod(fd, -1, NULL, it->stat.uid, it->stat.gid, (it->stat.mode & 07777) | tree->unlock) == 0)
		it->locked = it->stat.mode | S_IFDIR;
	return 0;
}

void tree_lock(const struct tree_directory *it)
{
	if (it->locked && ground_act(&it->ground) == 0)
		(void)!ground_chmod(it->fd, -1, NULL, it->stat.uid, it->stat.gid, it->locked & 07777);
}

int tree_open_held(struct tree_walk *tree, int held, int parent, const struct ground *above, struct tree_directory *to)
{
	to->fd = -1;
	for (int tries = 0; to->fd < 0 && tries < 2; tries++) {
		if (fd_statx(held, "", &to->stat) != 0)
			return -1;
		if (!S_ISDIR(to->stat.mode))
			return fd_fail(ENOTDIR);
		find_ground(tree, parent, above, to, held);
		if (unlock(tree, to, parent, held) != 0 || ground_act(&to->ground) != 0)
			return -1;
		to->fd = fd_openat(held, ".", O_RDONLY | O_DIRECTORY);
	}
	return to->fd < 0 ? -1 : 0;
}

/*
 * Opens NAME in PARENT as ABOVE asks, and once more if PARENT was given away meanwhile. Not for chown and chmod: they act as the owner of
 * each directory, and change all that they find.
 */
static int open_judged(const struct tree_walk *tree, int parent, const char *name, int flags, struct ground *above)
{
	flags |= O_DIRECTORY | O_NOFOLLOW;
	int fd = fd_openat(parent, name, flags);
	while (!tree->as_owners && ground_is_given(above, parent)) {
		fd_close(fd);
		fd = ground_act(above) == 0 ? fd_openat(parent, name, flags) : -1;
	}
	return fd;
}

int tree_open_named(struct tree_walk *tree, int parent, const char *name, struct ground *above,
		    struct tree_directory *to)
{
	to->locked = 0;
	to->fd = open_judged(tree, parent, name, O_RDONLY, above);
	if (to->fd >= 0) {
		if (fd_statx(to->fd, "", &to->stat) != 0)
			return -1;
		find_ground(tree, parent, above, to, to->fd);
		return unlock(tree, to, parent, to->fd);
	}
	if (errno != EACCES)
		return -1;
	int held = open_judged(tree, parent, name, O_PATH, above);
	int result = held < 0 ? -1 : tree_open_held(tree, held, parent, above, to);
	fd_close(held);
	return result;
}

int walk_pin(const struct walk_entry *entry, struct fd_stat *now)
{
	int fd = fd_openat(entry->parent, entry->name, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	if (fd_statx(fd, "", now) == 0)
		return fd;
	fd_close(fd);
	return -1;
}
