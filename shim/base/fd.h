/* Opening and reading descriptors, with calls whose answers can be relied on. */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * openat(2) with O_CLOEXEC. Also -1 with EBADF for a descriptor below 3: those are open while capshim runs, so a call
 * that returned one did not open anything.
 */
[[nodiscard]] int fd_openat(int parent, const char *name, int flags);

/* close(2), except for -1. Keeps errno. */
void fd_close(int fd);

/* unlinkat(2) of what was made for nothing. Keeps errno. */
void fd_unlink(int parent, const char *name);

/* Sets errno to ERR, and returns -1: the end of a function that fails. */
int fd_fail(int err);

/* Returns FD, checked in the same way: for descriptors that another call than openat(2) returned. */
[[nodiscard]] int fd_checked(int fd);

/*
 * Reads FD up to its end, or ROOM bytes (1 or more). A read that returned exactly ENOUGH bytes, the size of a file (0:
 * not known), has seen the end: it is not asked again. Returns how many bytes, or -1 with errno.
 */
[[nodiscard]] ssize_t fd_read_all(int fd, char *bytes, size_t room, size_t enough);

/* Fills BYTES (of SIZE) with what the file PATH begins with and a NUL. Returns how many bytes, or -1 with errno. */
[[nodiscard]] ssize_t fd_read_path(const char *path, char *bytes, size_t size);

/* Writes all of it. False with errno. */
[[nodiscard]] bool fd_write_all(int fd, const void *bytes, size_t length);

/*
 * fstat(2) as a raw call: musl copies the answer from a buffer of its own, which may hold an older answer. If the
 * kernel filled nothing in, it fails with EIO.
 */
[[nodiscard]] int fd_fstat(int fd, struct stat *stat);

/* fstatat(2), in the same way. */
[[nodiscard]] int fd_fstatat(int parent, const char *path, int flags, struct stat *stat);

/* Owner, type and place of a file, from statx(2). */
struct fd_stat {
	uint32_t uid, gid, nlink;
	mode_t mode;
	uint64_t dev, ino;
	uint64_t mount;    /* id of its mount; 0 before Linux 5.8 */
	bool mount_begins; /* a mount point: the root of its mount */
};

/* Reads it for NAME in PARENT, or for PARENT itself if NAME is "". 0, or -1 with errno. */
[[nodiscard]] int fd_statx(int parent, const char *name, struct fd_stat *stat);

/* Is a mount point there, the same way? If that cannot be read: no. */
bool fd_begins_mount(int parent, const char *name);

/*
 * Lists the directory that FD holds (O_PATH or not; it stays open). fd_next() returns the names without "." and "..", NULL
 * at the end. fd_end() must be called: 0, or -1 with errno if the directory could not be opened or read.
 */
DIR *fd_list(int fd);
const char *fd_next(DIR *dir);
int fd_end(DIR *dir);

/* Link count, owner and mode of STAT, in the form of fstat(2); nothing else is filled in. */
[[nodiscard]] struct stat fd_plain(const struct fd_stat *stat);
