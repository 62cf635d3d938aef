/* Opening the directories of a tree with the identity that their ground asks for. */
#pragma once

#include "walk/tree.h"

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

/* The same for NAME in PARENT. The process acts as PARENT asks; a directory that it may not open is held first. */
[[nodiscard]] int tree_open_named(struct tree_walk *tree, int parent, const char *name, const struct ground *above,
				  struct tree_directory *to);

/* Removes again what was added to the mode of the directory. */
void tree_lock(const struct tree_directory *it);
