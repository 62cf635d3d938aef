/*
 * Opening the directories of a tree as is due on the ground that they are.
 */
#ifndef CAPSHIM_WALK_TREE_OPEN_H
#define CAPSHIM_WALK_TREE_OPEN_H

#include "walk/tree.h"

/* A directory that was opened, and how. */
struct tree_directory {
	int fd;
	struct fd_stat stat;
	struct ground ground; /* of what lies in it */
	mode_t locked;        /* its mode before it was unlocked; 0: it was not */
};

/*
 * Opens for reading the directory that HELD (O_PATH) is, which lies in PARENT on the ground ABOVE; the process then acts as
 * is due in it. 0, or -1 with errno and, maybe, an open to->fd.
 */
int tree_open_held(const struct tree_walk *tree, int held, int parent, const struct ground *above,
		   struct tree_directory *to) __attribute__((warn_unused_result));

/* The same for NAME in PARENT. The process acts as is due in PARENT; a directory that is closed to it is held first. */
int tree_open_named(const struct tree_walk *tree, int parent, const char *name, const struct ground *above,
		    struct tree_directory *to) __attribute__((warn_unused_result));

/* Takes back what was added to the mode of one of them. */
void tree_lock(const struct tree_directory *it);

#endif
