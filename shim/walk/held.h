/* Acting on one object that a walk found, always through its descriptor. */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "walk/walk.h"

/*
 * open(2) of NAME in PARENT, without following a link or waiting for a FIFO; but for another process that has a lease on the
 * file, fcntl(2): up to two seconds in the whole run. -1 with errno.
 */
[[nodiscard]] int walk_open_leased(int parent, const char *name, int flags);

/*
 * Could a process have the file FD open for writing since before root owned it? A read lease can only be taken if none has:
 * fcntl(2), F_SETLEASE. It goes when FD is closed. Without leases on the file system the answer is yes, unless it is
 * read-only.
 */
[[nodiscard]] bool walk_may_be_written(int fd);

/*
 * Takes a lease on FD, as its owner: F_WRLCK shows that another process has the file open, F_RDLCK, which FD must be open for
 * reading for, that one has it open for writing, fcntl(2). 1, 0 where there are none, or -1 with ESTALE: somebody has;
 * GROUND_NO_IDENTITY: its owner is another user, and CAP_LEASE is missing.
 */
[[nodiscard]] int walk_lease(int fd, int kind);

/*
 * Opens the regular file or directory that FD (O_PATH) holds, by its NAME in PARENT, with the open(2) FLAGS. Never
 * blocks, never follows a link, works without /proc. -1 with errno: ESTALE if the name refers to something else by
 * now, EINVAL for any other type.
 */
[[nodiscard]] int walk_reopen(int fd, int parent, const char *name, int flags);

/* The same for the regular file that a walk FOUND; *OPENED receives fstat(2) of the new descriptor. */
[[nodiscard]] int walk_reopen_found(const struct walk_found *found, int flags, struct stat *opened);

/*
 * Sets the mode of what FD (O_PATH or not) holds: with fchmodat2(2), else through /proc/self/fd, else by
 * walk_reopen(). PARENT and NAME say where it was found; NAME may be NULL for a directory. Not for links. 0, or -1
 * with errno.
 */
[[nodiscard]] int walk_chmod(int fd, int parent, const char *name, mode_t mode);

#define WALK_LINK 32

/* The PATH of FD's magic link. -1 with ENOENT where /proc is not a procfs: an image could have a plain directory there. */
[[nodiscard]] int walk_link(int fd, char path[WALK_LINK]);

/* A step begins: the one before may have mounted something on /proc. */
void walk_forget_procfs(void);

/* Sets the owner, as fchownat(2), of what FD (O_PATH or not) holds, also of a link; else through /proc/self/fd. */
[[nodiscard]] int walk_chown(int fd, uint32_t uid, uint32_t gid);
