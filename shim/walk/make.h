/* Making directories, and removing what new entries inherit from their directory. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "walk/walk.h"

/* Has FD an access control list? 1 or 0; -1: it is a file that is O_PATH, and without /proc nobody can see. */
int walk_has_acl(int fd);

/*
 * Removes the access control lists of the file or directory FD, acting as its owner OWNER: acl(5). PARENT and NAME are for a file
 * that is O_PATH where there is no /proc. 0, or -1 with errno.
 */
[[nodiscard]] int walk_clear_acl(int fd, int parent, const char *name, uint32_t owner);

/*
 * Removes the access control list that FD, just made in PARENT, has inherited from a directory owned by another user.
 * FD is a file open for writing, or a device or FIFO held with O_PATH, which needs /proc; for a directory see
 * walk_made(). Lists inherited from a directory owned by root stay. 0, or -1 with errno.
 */
[[nodiscard]] int walk_disinherit(int fd, int parent);

/*
 * The mode of a new directory until it is complete; no config can write it. mkdir(2) can set it, and nothing else uses
 * it: its owner could make nothing in it, and the sticky bit adds nothing. An empty directory that still has it was left
 * by a run that was killed, and the next run completes it.
 */
#define WALK_UNFINISHED 01500
#define WALK_UNFINISHED_REFUSED "0%o marks a directory that is not complete yet: write 0500 or 0700"

#define WALK_PARENT_MODE 0755 /* of a directory that is made on the way to another */

/*
 * Is the directory FD, which STAT describes, unfinished and owned by the identity, or by UID (UINT32_MAX: nobody)? 1, 0, or
 * -1 with errno if that cannot be read.
 */
int walk_is_unfinished(int fd, const struct stat *stat, uint32_t uid);

/*
 * Opens with O_PATH the directory NAME in PARENT that was just made. On foreign ground another one may have been put
 * in its place: ESTALE unless it is still empty and the identity's, and unfinished or in the identity's own directory. Also removes
 * inherited lists. -1 with errno.
 */
[[nodiscard]] int walk_made(int parent, const char *name);

/*
 * Gives the directory FD, NAME in PARENT, which was just made, its mode and these owners (UINT32_MAX: the
 * identity's). 0, or -1 with errno.
 */
[[nodiscard]] int walk_finish(int fd, int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid);

/*
 * Makes the directory NAME in PARENT with exactly MODE and these owners (as walk_finish()), and opens it with O_PATH.
 * Only the identity can enter it before it is complete. It is remembered (ground_remember()) if it is given to
 * another user, or lies in one that was. -1 with errno, EEXIST included.
 */
[[nodiscard]] int walk_mkdir(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid);
