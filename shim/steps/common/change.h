/*
 * What chown and chmod are: finding what a step names, walking it where it is recursive, and changing owner and mode where
 * they differ, on a descriptor, after looking at it once more.
 */
#ifndef CAPSHIM_STEPS_COMMON_CHANGE_H
#define CAPSHIM_STEPS_COMMON_CHANGE_H

#include "steps/common/owner.h"
#include "steps/setup.h"
#include "walk/ground.h"

struct change {
	struct setup *setup;
	const struct step *step;
	int cap;            /* that the change needs */
	bool always;        /* the owner cannot be read: it is set everywhere */
	struct owner owner; /* ACCOUNTS_NO_ID: as it is */
	uint64_t cleared;   /* files that lost set-id bits */
	uint64_t uncapable; /* files that lost file capabilities */
	uint64_t links;     /* hard links passed over */
};

/* Does the step want modes as well, or alone? */
bool change_has_mode(const struct step *step);

/* Has this not yet the owner and the mode that the step wants? */
bool change_differs(const struct change *change, const struct fd_stat *now);

/* The same, or can that not be known? */
bool change_is_due(const struct change *change, const struct fd_stat *now);

/* Changes what is held, if it is due and is no hard link; counts it, and reports a failure. True: it was changed. */
bool change_held(struct change *change, const struct held *held);

/* Reports that PATH could not be changed. */
void change_failed(struct change *change, const char *path, int err);

/*
 * Reports that PATH did not become what it was changed to, but reads as NOW. FAT and some network file systems say yes to
 * everything; without CAP_FSETID a set-group-ID bit gets lost.
 */
void change_not_kept(struct setup *setup, const char *verb, const char *path, const struct fd_stat *now);

/*
 * The check of both: neither walks "/", which holds what no step may touch; and what a directory holds is what is below it.
 */
void change_check(const struct step *step, struct problems *problems, const struct node *node);

/* Why what exists on foreign ground is left as it is; for its uid. */
#define CHANGE_NOT_GIVEN \
	"it belongs to uid %u, and somebody else could have moved it there: chown or chmod it in a step of its own"

/* Why a recursive step does not begin in such a mount: ground_may_have_moved(). */
#define CHANGE_MOVED                                                                                        \
	"a mount begins there, in a directory that others can rename: they may have moved it there (write " \
	"\"cross_mounts: true\" to enter it all the same)"

#define KEEP_MODE ((mode_t)-1)

/*
 * Gives an object that a step names, on GROUND, this mode (KEEP_MODE: as it is) and these owners (ACCOUNTS_NO_ID: as it is)
 * where they differ, reads them back, and counts it: as changed in any case where the step MADE it just now. On foreign
 * ground what exists and is not the identity's own is only looked at.
 */
void change_settle(struct setup *setup, const struct held *held, const struct ground *ground, mode_t mode,
		   const struct owner *owner, bool made);

#endif
