/*
 * Opening and reading descriptors, by calls whose answers can be relied on.
 */
#ifndef CAPSHIM_BASE_FD_H
#define CAPSHIM_BASE_FD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/*
 * openat(2) with O_CLOEXEC, and -1 with EBADF for a descriptor below 3: those are open while capshim runs, so a call
 * that returns one did not open anything.
 */
int fd_openat(int parent, const char *name, int flags) __attribute__((warn_unused_result));

/* close(2) of what is open: -1 is nothing. Keeps errno. */
void fd_close(int fd);

/* FD, as that: for what another call than openat(2) returned. */
int fd_checked(int fd) __attribute__((warn_unused_result));

/*
 * fstat(2), by the raw call: musl copies the answer from a buffer of its own, and if none was given, what lay there
 * before. What is not filled in belongs to nobody and is nothing: then it failed with EIO, whatever it says.
 */
int fd_fstat(int fd, struct stat *stat) __attribute__((warn_unused_result));

/* Owner, type and place of something, by statx(2). */
struct fd_stat {
	uint32_t uid, gid, nlink;
	mode_t mode;
	uint64_t dev, ino;
	uint64_t mount;    /* id of its mount; 0 before Linux 5.8 */
	bool mount_begins; /* a mount point: the root of its mount */
};

/* Reads it for NAME in PARENT, or for PARENT itself where NAME is "". 0, or -1 with errno. */
int fd_statx(int parent, const char *name, struct fd_stat *stat) __attribute__((warn_unused_result));

/* Links, owner and mode of STAT, as fstat(2) gives them; nothing else. */
struct stat fd_plain(const struct fd_stat *stat) __attribute__((warn_unused_result));

#endif
