/*
 * Walking paths and trees where others may have planted anything. Every path is walked component by component from
 * "/" with openat(O_PATH|O_NOFOLLOW). A symbolic link is followed only if it belongs to root *and* its directory is
 * owned by root and writable by nobody else (sticky does not count) or is on a read-only mount; its text is walked in
 * the same way, 40 links at most; never on procfs. What is found is held by a descriptor, and changes are made on
 * that descriptor. On foreign ground (ground.h) no link is followed, and the process acts as the identity of that
 * ground. A walk begins as root and leaves the process acting as its end asks, also when it failed; the end of a step
 * changes back (identity_return()).
 */
#pragma once

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "walk/ground.h"

enum walk_flags {
	WALK_FOLLOW = 1, /* follow a link that is the last component (by the rule); otherwise return the link itself */
	WALK_TRUSTED =
		2,     /* every directory on the way must be owned by root, and writable by nobody else or read-only */
	WALK_MAKE = 4, /* something will be made or replaced: directories of ground_remember() are entered */
	WALK_NEW = 8,  /* the last component may be missing: found->fd is -1. ENOLINK if it is a link to nothing */
	/*
	 * With WALK_NEW: directories on the way that are missing are made, with mode 0755 whatever the umask, for the identity.
	 * EEXIST where the text of a link leads to nothing.
	 */
	WALK_PARENTS = 16,
	/* What a verb makes, or replaces where a link leads. */
	/* What is to be read for others: a workload that is root may read root's, which others may have moved there. */
	WALK_SOURCE = 32,
	WALK_TARGET = WALK_FOLLOW | WALK_MAKE | WALK_NEW | WALK_PARENTS,
};

/* Where a walk ended: the path so far, cut to what fits. */
struct walk_where {
	char path[256];
	uint32_t uid; /* owner and mode of what was refused */
	mode_t mode;
	uint32_t acted; /* the uid that could not go on, if that is not root; otherwise UINT32_MAX */
};

/* What a walk found. The caller closes both descriptors: walk_release(). */
struct walk_found {
	int fd;                  /* O_PATH; -1: it is missing (WALK_NEW) */
	int parent;              /* O_PATH: the directory that holds it, after all links */
	char name[NAME_MAX + 1]; /* its name there; "." for "/" */
	struct stat stat;
	struct ground ground;    /* of PARENT */
	struct walk_where where; /* where the walk ended; also filled in if it failed */
};

/*
 * Opens PATH (absolute) with O_PATH|O_CLOEXEC; the descriptor is the caller's. -1 with errno: ELOOP for a link that
 * the rule does not follow, EPERM for a directory that WALK_TRUSTED refuses, GROUND_NO_IDENTITY, otherwise as
 * openat(2). The process acts as itself afterwards. WHERE, if not NULL, receives the component at which the walk
 * ended, for the message.
 */
[[nodiscard]] int walk_open(const char *path, int flags, struct walk_where *where);

/* The same, but also tells where it lies, and acts as that place asks: 0, or -1 with errno and no descriptor. */
[[nodiscard]] int walk_find(const char *path, int flags, struct walk_found *found);
void walk_release(struct walk_found *found);

/* Enters the directory that was FOUND, to read it: acts as its contents ask. 0, or -1 with errno. */
[[nodiscard]] int walk_enter(const struct walk_found *found);

/*
 * Why a walk ended with ERR at WHERE, in MEM: for ELOOP and EPERM what was refused and who owns it; otherwise diag_why(),
 * with the capability that searching a directory needs.
 */
const char *walk_why(struct mem *mem, int err, const struct walk_where *where);
