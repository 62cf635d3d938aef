/* Inside of tree.c, tree_open.c and tree_part.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "walk/tree.h"

/* tree_open.c: opening the directories of a tree with the identity that their ground asks for. */

/* An opened directory, and how it was opened. */
struct tree_directory {
	int fd;
	struct fd_stat stat;
	struct ground ground; /* of what lies in it */
	mode_t locked;        /* its mode before it was unlocked; 0: it was not unlocked */
};

/*
 * Opens for reading the directory that HELD (O_PATH) refers to, which lies in PARENT on the ground ABOVE. Afterwards
 * the process acts as the opened directory asks. 0, or -1 with errno and possibly an open to->fd: ENOENT where the
 * directory was put off.
 */
[[nodiscard]] int tree_open_held(struct tree_walk *tree, int held, int parent, const struct ground *above,
				 struct tree_directory *to);

/*
 * The same for NAME in PARENT. The process acts as PARENT asks, also where that is ground_is_given(); a directory that it may not open
 * is held first.
 */
[[nodiscard]] int tree_open_named(struct tree_walk *tree, int parent, const char *name, struct ground *above,
				  struct tree_directory *to);

/* Removes again what was added to the mode of the directory. */
void tree_lock(const struct tree_directory *it);

/* tree_part.c: what processes that share a tree agree on, and closing descriptors by the dozen. */

#define TREE_HASH TEXT_HASH /* of the path of a tree's top */

/* The hash of what is called NAME in what has the hash ABOVE. */
[[nodiscard]] uint32_t tree_hash(uint32_t above, const char *name);

/*
 * Is what has this HASH this process's, or can it claim it? Of names, which are the same for every process; inode numbers in a
 * listing need not be.
 */
[[nodiscard]] bool tree_is_mine(const struct tree_walk *tree, uint32_t hash);

/*
 * May processes that share the tree, and a walk after theirs, leave out directories with none in them? If those of the file
 * system of FD, the top, count the directories in them as links to themselves: then two links mean none.
 */
[[nodiscard]] bool tree_has_leaves(const struct tree_walk *tree, int fd);

/* Is it such a directory? */
[[nodiscard]] bool tree_is_leaf(const struct tree_walk *tree, const struct fd_stat *directory);

/*
 * Is NAME in PARENT, which has this HASH, a directory with none in it that is another part's, or that the last walk need not
 * enter? CLOSED: one above it was unlocked. It is looked at from outside, into *STAT: it may have been given away already, to
 * one who lets nobody in.
 */
[[nodiscard]] bool tree_is_left_out(const struct tree_walk *tree, int parent, const char *name, uint32_t hash,
				    bool closed, struct fd_stat *stat);
