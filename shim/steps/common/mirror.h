/* Walking a tree while its directories are made elsewhere: shared by copy and template. */
#pragma once

#include "steps/common/file.h"
#include "steps/setup.h"
#include "walk/tree.h"
#include "walk/walk.h"

#define MIRROR_DEPTH 256 /* nested directories; each uses one descriptor */

/* A directory of the destination. */
struct mirror_level {
	int fd;               /* O_PATH */
	struct ground ground; /* of what lies in it */
	mode_t closed;        /* the mode for when it is full, if its owner could not fill it with that mode; or 0 */
	uint32_t uid;         /* its owner, who has CLOSED */
	dev_t device;
	bool made;    /* nothing was in it when this run came */
	bool clean;   /* nothing that a killed run has left was in it */
	bool plain;   /* and nothing but files, links and directories */
	bool resumed; /* it may hold what an interrupted seed has left */
	bool tree;    /* files are not synced one by one, and the next start repairs what is not complete */
};

struct mirror {
	struct setup *setup;
	const char *verb;
	const struct list *exclude; /* for walk_tree() */
	const void *context;        /* for FILE */
	/*
	 * Handles an entry that is not a directory: ENTRY belongs into the directory TO. The process acts as the source
	 * asks.
	 */
	void (*file)(struct mirror *mirror, const struct walk_entry *entry, const struct mirror_level *to);
	void (*flush)(
		struct mirror *mirror); /* FILE was called for all that it will be in this directory for now; or NULL */
	/* Skipped: FIFOs and the like. Kept with their owner: symbolic links that another user may have made. */
	size_t special, planted;
	bool pin;              /* FILE wants every entry held by a descriptor */
	bool others;           /* something of the destination lies on another file system than its top */
	struct fd_stat target; /* the top of the destination */
	const char *top;       /* the source's path */
	char path[2048];       /* mirror_target()'s */
	struct mirror_level levels[MIRROR_DEPTH]; /* by depth */
};

/* Closes a directory, with its final mode if it could not have been filled with that. */
void mirror_close(struct setup *setup, const char *path, struct mirror_level *level);

/*
 * Does what STEP makes on this ground become root's, where only root can write? Then who else may write to it, where later steps put
 * secrets, is not for others to say.
 */
bool mirror_makes_roots(const struct step *step, const struct ground *in);

/* The mode, for mirror_open(), of the copy of a directory FROM that ground with these owners and this mode. */
mode_t mirror_mode(const struct ground *from, uint32_t uid, uint32_t gid, mode_t mode);

/* Opens `to` of the step as a directory; makes it, and those above it, if they are missing. False: it was reported. */
[[nodiscard]] bool mirror_open(struct setup *setup, mode_t mode, struct mirror_level *to);

/* Adds a problem if a source and `to` contain each other: the walk would meet what it makes. */
void mirror_check(const struct step *step, struct problems *problems, const struct node *node);

/*
 * The path, for messages, that ENTRY gets in the destination under this NAME (NULL: the same), as far as the entry's own is
 * known. It lasts until the next call.
 */
const char *mirror_target(struct mirror *mirror, const struct walk_entry *entry, const char *name);

/* The path of NAME in the directory TO, for messages. */
const char *mirror_in(struct setup *setup, const char *to, const char *name);

/* Files of the directory TO are written in this way: WANT. SIZE is that of the content. */
void mirror_want(const struct mirror_level *to, off_t size, struct file_want *want);

/*
 * Walks the tree below SOURCE (a directory); its entries belong into the directory TO. Then waits until all of it is on
 * the disk, unless the step does not want that, or wanted it for each file (`if_exists: keep`).
 */
void mirror_tree(struct mirror *mirror, const struct walk_found *source, const char *path,
		 const struct mirror_level *to);
