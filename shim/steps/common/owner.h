/*
 * Whose something is to be, and what is held to be changed.
 */
#ifndef CAPSHIM_STEPS_COMMON_OWNER_H
#define CAPSHIM_STEPS_COMMON_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fd.h"
#include "steps/step.h"

/* What is about to be changed, held by a descriptor. */
struct held {
	int fd;     /* O_PATH, or a directory open for reading; -1: NAME in a directory that is root's alone */
	int parent; /* where it was found; -1 and NULL for a directory that is the top */
	const char *name;
	const char *path; /* for messages */
	struct fd_stat now;
};

/* Does this one need other owners? */
bool owner_differs(const struct owner *owner, const struct fd_stat *now);

/* fchownat(2) of what is held, and only of the id that differs. */
int owner_apply(const struct owner *owner, const struct held *held, bool always) __attribute__((warn_unused_result));

/*
 * Can an id that reads as OWNER's be another one that the user namespace does not map? It then shows as the overflow
 * id, user_namespaces(7), and is never "already right".
 */
bool owner_is_ambiguous(const struct owner *owner);

/* Does STEP give what it makes to another user, and to another group, than root's? */
bool owner_gives(const struct step *step);
bool owner_gives_group(const struct step *step);

/* The capabilities that making something for its owner needs: verb->needs. */
uint64_t owner_needs(const struct step *step);

#endif
