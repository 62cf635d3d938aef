/*
 * chown and chmod: find what a step names, walk it if it is recursive, and change owner and mode where they differ,
 * on a descriptor that is examined once more right before.
 */
#pragma once

#include "steps/common/owner.h"
#include "steps/setup.h"
#include "walk/walk.h"

struct change {
	struct setup *setup;
	const struct step *step;
	bool always;        /* the owner cannot be read: set it everywhere */
	struct owner owner; /* ACCOUNTS_NO_ID: unchanged */
	uint64_t cleared;   /* files that lost set-id bits */
	uint64_t uncapable; /* files that lost file capabilities */
	uint64_t links;     /* hard links that were skipped */
};

/* Does the step change modes (alone, or as well as owners)? */
bool change_has_mode(const struct step *step);

/* Do its owner and mode differ from what the step wants? */
bool change_differs(const struct change *change, const struct fd_stat *now);

/* The same, or is it impossible to know? */
bool change_is_due(const struct change *change, const struct fd_stat *now);

/* Would it give what reads NOW to another user or group, or add rights? Not so if it takes it from a user to make it root's. */
bool change_opens(const struct change *change, const struct fd_stat *now);

/* Does what reads NOW become root's? Then the access control lists of its old owner go. */
bool change_clears(const struct change *change, const struct fd_stat *now);

/*
 * Changes what is held, if it differs and is not a hard link. Counts it, and reports a failure. True: it was changed.
 */
bool change_held(struct change *change, const struct held *held);

/* Reports that PATH could not be changed, and returns false. */
bool change_failed(struct change *change, const char *path, int err);

/*
 * Reports that PATH was changed but reads back as NOW. FAT and some network file systems accept everything; without
 * CAP_FSETID a set-group-ID bit is lost.
 */
bool change_not_kept(struct setup *setup, const char *verb, const char *path, const struct fd_stat *now);

/* change_tree.c. Both verbs: changes every path of the step, whole trees included, and says what was left or lost. */
void change_run(struct setup *setup);

/* The check of both verbs: neither may walk "/"; "contents_only" needs "recursive". */
void change_check(const struct step *step, struct problems *problems, const struct node *node);

/* Why an existing object on foreign ground is left as it is; takes its uid. */
#define CHANGE_NOT_GIVEN \
	"it belongs to uid %u, and somebody else could have moved it there: chown or chmod it in a step of its own"

/* Why nothing is done to what ground_may_have_moved(); takes CHANGE_MOVED_STEP of a verb that has no such option, or "". */
#define CHANGE_MOVED \
	"it lies in a mount whose mount point others can move (write \"cross_mounts: true\"%s to do it all the same)"
#define CHANGE_MOVED_STEP " in a chown or chmod of its own"

/*
 * Is it ground_may_have_moved(), and the step without `cross_mounts: true`? Then it was reported that PATH is not to be
 * worked on (VERB).
 */
bool change_has_moved(struct setup *setup, const char *verb, const char *path, const struct ground *at, int parent,
		      int fd);

#define KEEP_MODE ((mode_t)-1)

/*
 * Gives what a step names, the FOUND object at PATH, this mode (KEEP_MODE: unchanged) and these owners (ACCOUNTS_NO_ID:
 * unchanged) where they differ, reads them back, and counts it; always as changed if the step MADE it. On foreign ground an
 * existing object that is not the identity's own, or may have moved with its mount, is only compared. False: it could not,
 * and that was reported.
 */
bool change_settle(struct setup *setup, const char *path, const struct walk_found *found, mode_t mode,
		   const struct owner *owner, bool made);
