/* Walking a tree that others may be changing at the same time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/mem.h"
#include "walk/ground.h"

/* One entry of a tree. Everything in it belongs to the walk, and is valid only during the call that receives it. */
struct walk_entry {
	const char *path; /* for messages */
	bool cut;         /* for a file: PATH was too long for a message, and names a directory above it */
	const char *name; /* in PARENT; NULL for the top */
	int parent;       /* the directory that holds it; -1 for the top */
	int fd;           /* a directory open for reading; the top, and others if pinned, by O_PATH; otherwise -1 */
	size_t depth;     /* 0 for the top */
	struct ground *ground; /* of PARENT; NULL for the top */
	bool own;              /* for leave(): a directory that no other part enters, for it has none in it */
	struct fd_stat stat;
};

/* Which process claimed what has the same hash; 0: none yet. */
struct tree_claims {
	_Atomic uint32_t part[2048];
};

struct tree_walk {
	bool whole;           /* TOP may be "/": for walks that only look */
	struct ground ground; /* of TOP's name, in PARENT; the functions below are called as the entry's ground asks */
	int parent;
	bool as_owners; /* on foreign ground open every directory as its own owner */
	mode_t unlock;  /* mode bits lent to a directory whose owner, as whom the walk acts, lacks them */
	/*
	 * For processes that share one tree, since one of them would lock a directory while another is in it: a directory
	 * that would have to be unlocked is skipped and counted. It is for a walk with CLOSED_ONLY, by one process, that
	 * hands out nothing but the files below such directories.
	 */
	bool put_off, closed_only;
	size_t closed;              /* result: directories that were put off */
	bool cross_mounts;          /* otherwise entries on another mount are skipped and counted */
	const struct list *exclude; /* globs on base names below the top: skipped with all they hold; NULL: none */
	const char *only; /* a glob for what TOP holds: all else in it is skipped, and not opened; NULL: everything */
	void *context;    /* passed to these functions: */
	/* A directory, before its entries. False: skip its entries and its leave(). NULL: always true. */
	bool (*enter)(void *context, const struct walk_entry *directory);
	/*
	 * Everything that is not a directory, links, FIFOs and devices included; nothing is opened. NULL: directories
	 * only.
	 */
	void (*file)(void *context, const struct walk_entry *entry);
	/* A directory, after its entries; stat was read again. NULL: nothing. */
	void (*leave)(void *context, const struct walk_entry *directory);
	/* An entry that could not be read because of ERR. The walk goes on with the next one. NULL: nothing. */
	void (*failed)(void *context, const char *path, int err);

	/*
	 * Several processes may share one tree: each hands out only what it is the first to claim, in memory shared by all; NULL:
	 * all is its own. A claim is on the path of a directory, for all files in it, or BY_NAME on that of a file.
	 */
	struct tree_claims *claims;
	unsigned int part; /* this process, from 1 on */
	bool by_name;
	/*
	 * Result: directories that have none in them were entered by one process alone, which claimed them. A walk with
	 * CLOSED_ONLY enters only those that ARE DUE (NULL: none).
	 */
	bool leaves;
	bool (*is_due)(void *context, const struct fd_stat *directory);
	bool stop;   /* set by ENTER or FILE: the walk ends here, without leave(); for one that puts off */
	bool untold; /* result: something could not be read that is for another part to tell, which may have read it */
	bool pin;    /* files may be changed at any time: hold each by a descriptor before it is read */
	bool blind; /* FILE wants name and type alone: what a listing says is no directory is not read; its stat has no more */
	size_t mounts; /* result: entries that were skipped because they lie on another mount */
};

/*
 * Walks the tree at TOP (O_PATH, the caller's), whose path is PATH, TOP included: depth first, children before
 * leave() of their directory, the top last. Follows no link. Entries that vanish or change their type on the way are
 * skipped. Memory grows with the depth, not with the number of entries; uses 65 descriptors. 0, or -1 with errno
 * where it had to stop: EINVAL if TOP is "/" (unless `whole`), ESTALE if a directory was moved while the walk was in
 * it.
 */
[[nodiscard]] int walk_tree(struct tree_walk *tree, int top, const char *path);

/* Holds an entry with O_PATH and reads it again into *NOW. The descriptor is the caller's. */
[[nodiscard]] int walk_pin(const struct walk_entry *entry, struct fd_stat *now);

/* Descriptors that are no longer needed. */
#define TREE_PINS_MAX 32
struct tree_pins {
	int fds[TREE_PINS_MAX];
	int count;
};

/* Closes FD, with others, so that it is not a system call for each. -1: closes those that wait. */
void tree_unpin(struct tree_pins *pins, int fd);
