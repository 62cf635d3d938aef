/*
 * Making directories, and taking from what was made what its directory hands down.
 */
#ifndef CAPSHIM_WALK_MAKE_H
#define CAPSHIM_WALK_MAKE_H

#include <stdint.h>
#include <sys/types.h>

#include "walk/walk.h"

/*
 * walk_parent() with WALK_MAKE, and makes the directories that are missing on the way: the identity's, mode 0755 whatever
 * the umask.
 */
int walk_make_parent(const char *path, const char **name, struct ground *ground, struct walk_where *where)
	__attribute__((warn_unused_result));

/* Takes the access control lists from the directory FD, as its owner OWNER: acl(5). 0, or -1 with errno. */
int walk_clear_acl(int fd, uint32_t owner) __attribute__((warn_unused_result));

/*
 * Takes from FD, which was just made in PARENT, the access control list that a directory of others has handed down to it.
 * FD is a file open for writing, or a device or FIFO by O_PATH, which needs /proc; for a directory see walk_made(). A
 * directory of root's own may hand one down. 0, or -1 with errno.
 */
int walk_disinherit(int fd, int parent) __attribute__((warn_unused_result));

/*
 * The mode that a directory is made with, until it has its own: nobody writes this one. A directory that has it was left
 * by a run that was killed, and is the next run's to finish.
 */
#define WALK_UNFINISHED 01700

/*
 * Opens the directory NAME in PARENT that was just made, O_PATH. In a directory of others somebody may have put another
 * one in its place: what is not the identity's own, and empty, is not it (ESTALE); and nothing is inherited there. -1 with
 * errno.
 */
int walk_made(int parent, const char *name) __attribute__((warn_unused_result));

/*
 * Gives the directory FD, NAME in PARENT, which was just made, its mode and these owners (UINT32_MAX: the identity's). 0, or
 * -1 with errno.
 */
int walk_finish(int fd, int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
	__attribute__((warn_unused_result));

/*
 * Makes the directory NAME in PARENT with exactly MODE and these owners (as walk_finish()), and opens it O_PATH. Nobody but
 * the identity can enter it before it is complete; it is remembered (ground_remember()) where it is given to another. -1 with
 * errno, EEXIST included.
 */
int walk_mkdir(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
	__attribute__((warn_unused_result));

#endif
