/*
 * Processes that share the work on one large tree, one a processor: walk/tree.h says which of them does what. A container
 * that may not use so much at a time does not share.
 */
#pragma once

#include "steps/setup.h"
#include "walk/tree.h"

#define SHARE_MAX 4 /* processes */

struct share {
	bool always_by_name, never_by_name; /* how files can be claimed: tree_walk.by_name */
	struct tree_claims *memory;         /* with what the processes share behind it; NULL: not shared */
	size_t each;                        /* bytes of that for each of the others */
	pid_t others[SHARE_MAX];            /* 0 or less: none */
};

/*
 * Starts others if the tree at TOP, which TREE is going to walk as part 1, is large. They return as well, as other parts, and
 * end after the walk. Directories that would have to be unlocked are put off.
 */
void share_begin(struct share *share, struct tree_walk *tree, int top, const char *path);

/* The memory of the other process of this NUMBER, from 0 on: it is the part with that number and two. */
void *share_memory(const struct share *share, size_t number);

/* Fills PART, which another process works with: as WHOLE, but nothing is counted yet, and only the first reports progress. */
void share_setup(struct setup *part, const struct setup *whole);

/* Waits for the other process of this NUMBER. If a failure ended it, this process ends as well. False: it was killed. */
[[nodiscard]] bool share_wait(const struct share *share, size_t number);

/* The tree is not shared any more. */
void share_end(struct share *share, struct tree_walk *tree);
