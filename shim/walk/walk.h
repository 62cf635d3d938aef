/*
 * Walking a path and a tree where others may have planted anything. Every path is walked component by component from
 * "/" with openat(O_PATH|O_NOFOLLOW). A symbolic link is followed only if it belongs to root *and* its directory is
 * root's and writable by nobody else (sticky does not count) or on a read-only mount; its text is walked again, 40 at
 * most; never on procfs. What is found is held by a descriptor, and changes are made on that descriptor. On foreign ground
 * (ground.h) no link is followed, and the process goes on as the identity of that ground: a walk begins as root and leaves
 * the process acting as what is due where it ended, also where it failed. The end of a step goes back (identity_return()).
 */
#ifndef CAPSHIM_WALK_WALK_H
#define CAPSHIM_WALK_WALK_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "walk/ground.h"

enum walk_flags {
	WALK_FOLLOW = 1,  /* follow a link that is the last component (by the rule), otherwise return the link itself */
	WALK_MAKE = 4,    /* something is to be made or replaced: directories of ground_remember() are entered */
	WALK_TRUSTED = 2, /* every directory on the way must be root's, and writable by nobody else or read-only */
};

/* Where a walk ended: the path so far, cut to what fits. */
struct walk_where {
	char path[256];
	uint32_t uid; /* owner and mode of what was refused */
	mode_t mode;
	uint32_t acted; /* the uid as which the walk could not go on, where that is not root; otherwise UINT32_MAX */
};

/* What a walk found. Both descriptors are the finder's to close. */
struct walk_found {
	int fd;                  /* O_PATH */
	int parent;              /* O_PATH: the directory that holds it, after all links */
	char name[NAME_MAX + 1]; /* its name there; "." for "/" */
	struct stat stat;
	struct ground ground; /* of PARENT */
};

/*
 * Opens what PATH (absolute) names, O_PATH|O_CLOEXEC; the descriptor is the caller's. -1 with errno: ELOOP for a link
 * that the rule does not follow, EPERM for a directory that WALK_TRUSTED refuses, GROUND_NO_IDENTITY, otherwise what
 * openat(2) says. The process is itself again afterwards.
 * WHERE, if not NULL, receives the component at which it ended (for the message).
 */
int walk_open(const char *path, int flags, struct walk_where *where) __attribute__((warn_unused_result));

/* The same, and tells where it lies, and acts as is due there: 0, or -1 with errno and no descriptor. */
int walk_find(const char *path, int flags, struct walk_found *found, struct walk_where *where)
	__attribute__((warn_unused_result));
void walk_release(struct walk_found *found);

/* Steps into the directory that was FOUND, and acts as is due for what lies in it: *INSIDE is its ground. 0, or -1. */
int walk_enter(const struct walk_found *found, int flags, struct ground *inside) __attribute__((warn_unused_result));

/*
 * Opens the directory that holds the last component of PATH and points *NAME at that component inside PATH. The
 * descriptor is O_PATH|O_DIRECTORY|O_CLOEXEC and the caller's; the process acts as is due in it. FLAGS: WALK_MAKE. Errors
 * as walk_open(), and EINVAL where PATH ends in '/', "." or "..". GROUND, if not NULL, is that of the directory.
 */
int walk_parent(const char *path, int flags, const char **name, struct ground *ground, struct walk_where *where)
	__attribute__((warn_unused_result));

/*
 * Writes why a walk ended with ERR at WHERE into WHY and returns WHY: for ELOOP and EPERM what was refused, and whose
 * it is; otherwise what diag_why() says with the capability that searching a directory needs.
 */
const char *walk_why(char *why, size_t size, int err, const struct walk_where *where);

#endif
