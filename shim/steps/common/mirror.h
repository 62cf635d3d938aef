/*
 * Walking a tree while its directories are made elsewhere: shared by copy and template.
 */
#ifndef CAPSHIM_STEPS_COMMON_MIRROR_H
#define CAPSHIM_STEPS_COMMON_MIRROR_H

#include "steps/setup.h"
#include "walk/tree.h"
#include "walk/walk.h"

#define MIRROR_DEPTH 256 /* directories inside each other; each takes one descriptor */

struct mirror {
	struct setup *setup;
	const struct step *step;
	const char *verb;
	const struct list *exclude; /* of walk_tree */
	/* Everything that is no directory: ENTRY (pinned) belongs into the directory TO. */
	void (*file)(struct mirror *mirror, const struct walk_entry *entry, int to);
	/* Passed over: FIFOs and the like. Not made root's: symbolic links that somebody else may have made. */
	size_t special, planted;
	int directories[MIRROR_DEPTH]; /* of the destination, by depth */
};

/*
 * Opens the directory NAME in PARENT, O_PATH; makes it where it is missing, with MODE and the owner of STEP. Neither
 * follows a link nor changes a directory that exists. The descriptor is the caller's. -1: it was reported.
 */
int mirror_directory(struct setup *setup, const struct step *step, const char *path, int parent, const char *name,
		     mode_t mode) __attribute__((warn_unused_result));

/* Opens step->to as a directory; makes it, and those above it, where it is missing. -1: it was reported. */
int mirror_open(struct setup *setup, const struct step *step, mode_t mode) __attribute__((warn_unused_result));

/* Adds a problem where a source and `to` lie inside each other: the walk would meet what it makes. */
void mirror_check(const struct step *step, struct problems *problems, const struct node *node);

/* Walks the tree below SOURCE (a directory), whose entries belong into the directory TO (O_PATH, the caller's). */
void mirror_tree(struct mirror *mirror, const struct walk_found *source, const char *path, int to);

#endif
