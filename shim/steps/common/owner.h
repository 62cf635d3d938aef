/* The owner that something should get, and an object that is held to be changed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/fd.h"
#include "steps/step.h"
#include "walk/walk.h"

/* An object that is about to be changed, held by a descriptor. */
struct held {
	int fd;     /* O_PATH, or a directory open for reading; -1: NAME in a directory that only root can change */
	int parent; /* where it was found; -1 and NULL for a directory that is the top */
	const char *name;
	const char *path; /* for messages */
	struct fd_stat now;
};

/* Do its owners differ from OWNER? */
bool owner_differs(const struct owner *owner, const struct fd_stat *now);

/* fchownat(2) on what is held, only for the id that differs. */
[[nodiscard]] int owner_apply(const struct owner *owner, const struct held *held, bool always);

/*
 * Can an id that reads as OWNER's be another one that the user namespace does not map? Such an id shows as the
 * overflow id, user_namespaces(7), and is never "already right".
 */
bool owner_is_ambiguous(const struct owner *owner);

/*
 * Replaces each ACCOUNTS_NO_ID in OWNER by the id of NOW, which lies at AT, if OWNER says neither, or if nobody but root and
 * that owner has chosen it; otherwise by that of a new object, as where NOW is NULL: whoever planted it would choose who
 * may read what it is to hold.
 */
void owner_complete(struct owner *owner, const struct stat *now, const struct walk_found *at);

/*
 * The same for an object that stays, where it lacks an id that OWNER says or gets MORE content. On root's ground a group
 * alone changes nothing else: whose it is has been root's choice.
 */
void owner_complete_kept(struct owner *owner, const struct stat *now, const struct walk_found *at, bool more);

/* Does STEP give what it makes to a user, or to a group, other than root's? */
bool owner_gives(const struct step *step);
bool owner_gives_group(const struct step *step);

/* The capabilities needed to make something for its owner: verb->needs. */
uint64_t owner_needs(const struct step *step);
