#include <stdatomic.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/magic.h>

#include "walk/tree_parts.h"

#define XFS_MAGIC 0x58465342 /* newer than the headers of some C libraries */

uint32_t tree_hash(uint32_t above, const char *name)
{
	return text_hash(above, name, strlen(name));
}

bool tree_is_mine(const struct tree_walk *tree, uint32_t hash)
{
	uint32_t part = 0;

	if (!tree->claims)
		return true;
	_Atomic uint32_t *const claim = &tree->claims->part[hash % (sizeof(tree->claims->part) / sizeof(part))];
	return atomic_compare_exchange_strong(claim, &part, tree->part) || part == tree->part;
}

bool tree_has_leaves(const struct tree_walk *tree, int fd)
{
	struct statfs fs = {0};

	return !tree->cross_mounts && !tree->by_name && (tree->claims || tree->closed_only) && fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == TMPFS_MAGIC || fs.f_type == XFS_MAGIC);
}

bool tree_is_leaf(const struct tree_walk *tree, const struct fd_stat *directory)
{
	return tree->leaves && directory->nlink == 2;
}

bool tree_is_left_out(const struct tree_walk *tree, int parent, const char *name, uint32_t hash, bool closed,
		      struct fd_stat *stat)
{
	if (!tree->leaves || (tree->claims && tree_is_mine(tree, hash)) || fd_statx(parent, name, stat) != 0 ||
	    !S_ISDIR(stat->mode) || !tree_is_leaf(tree, stat))
		return false;
	if (tree->claims)
		return true;
	/* The last walk also goes to the files below those that were put off, if there are any. */
	const bool put_off = tree->file && (closed || (stat->mode & tree->unlock) != tree->unlock);
	return !put_off && !(tree->is_due && tree->is_due(tree->context, stat));
}

void tree_unpin(struct tree_pins *pins, int fd)
{
	if (fd >= 0)
		pins->fds[pins->count++] = fd;
	if (fd >= 0 && pins->count < TREE_PINS_MAX)
		return;
	for (int i = 0, end; i < pins->count; i = end) {
		for (end = i + 1; end < pins->count && pins->fds[end] == pins->fds[end - 1] + 1;)
			end++;
		if (syscall(SYS_close_range, pins->fds[i], pins->fds[end - 1], 0) != 0)
			for (int each = i; each < end; each++)
				close(pins->fds[each]);
	}
	pins->count = 0;
}
