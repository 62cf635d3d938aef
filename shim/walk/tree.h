/*
 * Walking a tree that somebody may be changing meanwhile.
 */
#ifndef CAPSHIM_WALK_TREE_H
#define CAPSHIM_WALK_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/mem.h"
#include "walk/ground.h"

/* One entry of a tree. All of it is the walk's and lasts as long as the call that receives it. */
struct walk_entry {
	const char *path; /* for messages */
	bool cut;         /* of a file: PATH was too long for a message, and names a directory above it */
	const char *name; /* in PARENT; NULL for the top */
	int parent;       /* the directory that holds it; -1 for the top */
	int fd;           /* a directory: itself, open for reading; the top; anything else O_PATH if pinned, or -1 */
	size_t depth;     /* 0 for the top */
	const struct ground *ground; /* of PARENT; NULL for a directory */
	bool roots; /* root's ground, and nobody but root can change PARENT: what NAME means does not change under us */
	struct fd_stat stat;
};

struct tree_walk {
	bool whole; /* TOP may be "/": to look, never to change */
	struct ground
		ground; /* of TOP's name, in PARENT: the functions below are called as is due where the entry lies */
	int parent;
	bool as_owners; /* on foreign ground every directory is opened as its own owner */
	mode_t unlock;  /* bits that are added there to a directory whose owner lacks them, until the walk leaves it */
	bool cross_mounts;          /* otherwise what another mount holds is passed over and counted */
	const struct list *exclude; /* globs on base names, not on the top: passed over with all below; NULL: none */
	void *context;              /* for these four: */
	/* A directory, before its entries. False: neither its entries nor leave(). NULL: always true. */
	bool (*enter)(void *context, const struct walk_entry *directory);
	/* Everything that is no directory: links, FIFOs and devices too, none of it opened. NULL: only directories. */
	void (*file)(void *context, const struct walk_entry *entry);
	/* A directory, after its entries; stat was read again. NULL: nothing. */
	void (*leave)(void *context, const struct walk_entry *directory);
	/* An entry that could not be read because of ERR. The walk goes on with the next. */
	void (*failed)(void *context, const char *path, int err);

	/* Several processes may walk one tree: files whose name falls to PART of PARTS are handed out; 0 parts: all. */
	unsigned int parts, part;
	bool pin;      /* may be changed at any time: hold files by a descriptor before they are read */
	size_t mounts; /* result: entries passed over because they lie on another mount */
};

/*
 * Walks the tree below and including TOP (O_PATH, the caller's), whose path is PATH: depth first, children before
 * leave() of their directory, the top last. Follows no link. Entries that vanish, or change their type, on the way are
 * passed over. Needs memory for the depth but not for the number of entries, and 64 descriptors. 0, or -1 with errno
 * where it had to stop: EINVAL if TOP is "/" (not with whole), ESTALE if a directory was moved while the walk was in it.
 */
int walk_tree(struct tree_walk *tree, int top, const char *path) __attribute__((warn_unused_result));

/* Holds an entry by O_PATH and reads it again into *NOW. The descriptor is the caller's. */
int walk_pin(const struct walk_entry *entry, struct fd_stat *now) __attribute__((warn_unused_result));

#endif
