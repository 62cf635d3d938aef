/*
 * Walking a path and a tree where others may have planted anything. Every path is walked component by component from
 * "/" with openat(O_PATH|O_NOFOLLOW). A symbolic link is followed only if it belongs to root *and* its directory is
 * root's and writable by nobody else (sticky does not count) or on a read-only mount; its text is walked again, 40 at
 * most; never on procfs. What is found is held by a descriptor, and changes are made on that descriptor.
 */
#ifndef CAPSHIM_WALK_H
#define CAPSHIM_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "mem.h"

enum walk_flags {
	WALK_FOLLOW = 1,  /* follow a link that is the last component (by the rule), otherwise return the link itself */
	WALK_TRUSTED = 2, /* every directory on the way must be root's, and writable by nobody else or read-only */
};

/* Where a walk ended: the path so far, cut to what fits. */
struct walk_where {
	char path[256];
	uint32_t uid; /* owner and mode of what was refused */
	mode_t mode;
};

/* What a walk found. Both descriptors are the finder's to close. */
struct walk_found {
	int fd;                  /* O_PATH */
	int parent;              /* O_PATH: the directory that holds it, after all links */
	char name[NAME_MAX + 1]; /* its name there; "." for "/" */
	struct stat stat;
};

/*
 * openat(2) with O_CLOEXEC, and -1 with EBADF for a descriptor below 3: those are open while capshim runs, so a call
 * that returns one did not open anything.
 */
int walk_openat(int parent, const char *name, int flags) __attribute__((warn_unused_result));

/* FD, as that: for what another call than openat(2) returned. */
int walk_descriptor(int fd) __attribute__((warn_unused_result));

/*
 * fstat(2), by the raw call: musl copies the answer from a buffer of its own, and if none was given, what lay there
 * before. What is not filled in belongs to nobody and is nothing: then it failed with EIO, whatever it says.
 */
int walk_fstat(int fd, struct stat *stat) __attribute__((warn_unused_result));

/*
 * Opens what PATH (absolute) names, O_PATH|O_CLOEXEC; the descriptor is the caller's. -1 with errno: ELOOP for a link
 * that the rule does not follow, EPERM for a directory that WALK_TRUSTED refuses, otherwise what openat(2) says.
 * WHERE, if not NULL, receives the component at which it ended (for the message).
 */
int walk_open(const char *path, int flags, struct walk_where *where) __attribute__((warn_unused_result));

/* The same, and tells where it lies: 0, or -1 with errno and no descriptor. */
int walk_find(const char *path, int flags, struct walk_found *found, struct walk_where *where)
	__attribute__((warn_unused_result));
void walk_release(struct walk_found *found);

/* Would a link that belongs to UID, in DIRECTORY, be followed by the rule? */
bool walk_follows(int directory, uint32_t uid) __attribute__((warn_unused_result));

/*
 * Opens the directory that holds the last component of PATH and points *NAME at that component inside PATH. The
 * descriptor is O_PATH|O_DIRECTORY|O_CLOEXEC and the caller's. Errors as walk_open(), and EINVAL where PATH ends in
 * '/', "." or "..".
 */
int walk_parent(const char *path, const char **name, struct walk_where *where) __attribute__((warn_unused_result));

/* The same, and makes the directories that are missing on the way: the caller's, mode 0755 whatever the umask. */
int walk_make_parent(const char *path, const char **name, struct walk_where *where) __attribute__((warn_unused_result));

/*
 * Takes the access control lists from the directory FD (O_PATH), which was another's: acl(5). 0, or -1 with errno; it needs
 * CAP_FOWNER where there is one.
 */
int walk_clear_acl(int fd) __attribute__((warn_unused_result));

/*
 * Takes from FD, which was just made in PARENT, the access control list that a directory of others has handed down to it.
 * FD is a file open for writing, or a device or FIFO by O_PATH, which needs /proc; for a directory see walk_made(). A
 * directory of root's own may hand one down. 0, or -1 with errno.
 */
int walk_disinherit(int fd, int parent) __attribute__((warn_unused_result));

/*
 * Opens the directory NAME in PARENT that was just made, O_PATH. In a directory of others somebody may have put another
 * one in its place: what is not empty is not it (ESTALE); and nothing is inherited there. -1 with errno.
 */
int walk_made(int parent, const char *name) __attribute__((warn_unused_result));

/*
 * Makes the directory NAME in PARENT with exactly MODE and these owners (UINT32_MAX: the caller's), and opens it
 * O_PATH. Nobody but the caller can enter it before it is complete. -1 with errno, EEXIST included.
 */
int walk_mkdir(int parent, const char *name, mode_t mode, uint32_t uid, uint32_t gid)
	__attribute__((warn_unused_result));

/*
 * Writes why a walk ended with ERR at WHERE into WHY and returns WHY: for ELOOP and EPERM what was refused, and whose
 * it is; otherwise what diag_why() says with the capability that searching a directory needs.
 */
const char *walk_why(char *why, size_t size, int err, const struct walk_where *where);

/*
 * Opens the regular file or directory that FD (O_PATH) holds, by the NAME in PARENT under which it was found, with the
 * open(2) FLAGS; never blocks, never follows a link. -1 with errno: ESTALE if the name means something else by now,
 * EINVAL for every other type. Works without /proc.
 */
int walk_reopen(int fd, int parent, const char *name, int flags) __attribute__((warn_unused_result));

/* The same for the regular file that a walk FOUND; *OPENED is what fstat(2) says of the new descriptor. */
int walk_reopen_found(const struct walk_found *found, int flags, struct stat *opened)
	__attribute__((warn_unused_result));

/*
 * Sets the mode of what FD (O_PATH or not) holds: fchmodat2(2), else through /proc/self/fd, else by walk_reopen().
 * PARENT and NAME are where it was found; NAME may be NULL for a directory. Not for links. 0, or -1 with errno.
 */
int walk_chmod(int fd, int parent, const char *name, mode_t mode) __attribute__((warn_unused_result));

/* Owner, type and place of something, by statx(2). */
struct walk_stat {
	uint32_t uid, gid, nlink;
	mode_t mode;
	uint64_t dev, ino;
	uint64_t mount;    /* id of its mount; 0 before Linux 5.8 */
	bool mount_begins; /* a mount point: the root of its mount */
};

/* Reads it for NAME in PARENT, or for PARENT itself where NAME is "". 0, or -1 with errno. */
int walk_stat(int parent, const char *name, struct walk_stat *stat) __attribute__((warn_unused_result));

/*
 * Why FILE (links, owner and mode count), found in DIRECTORY, may be there by the doing of somebody who cannot read it: he
 * linked it, or moved it there. What is read here is often given away. NULL: it may be read.
 */
const char *walk_planted(const struct stat *file, int directory) __attribute__((warn_unused_result));

/* Links, owner and mode of STAT, as fstat(2) gives them; nothing else. */
struct stat walk_plain(const struct walk_stat *stat) __attribute__((warn_unused_result));

/* One entry of a tree. All of it is the walk's and lasts as long as the call that receives it. */
struct walk_entry {
	const char *path; /* for messages */
	bool cut;         /* of a file: PATH was too long for a message, and names a directory above it */
	const char *name; /* in PARENT; NULL for the top */
	int parent;       /* the directory that holds it; -1 for the top */
	int fd;           /* a directory: itself, open for reading; the top; anything else O_PATH if pinned, or -1 */
	size_t depth;     /* 0 for the top */
	bool roots;       /* nobody but root can change PARENT: what NAME means does not change under us */
	struct walk_stat stat;
};

struct walk_tree {
	bool cross_mounts;          /* otherwise what another mount holds is passed over and counted */
	const struct list *exclude; /* globs on base names, not on the top: passed over with all below; NULL: none */
	void *context;              /* for these four: */
	/* A directory, before its entries. False: neither its entries nor leave(). NULL: always true. */
	bool (*enter)(void *context, const struct walk_entry *directory);
	/* Everything that is no directory: links, FIFOs and devices too, none of it opened. NULL: only directories. */
	void (*file)(void *context, const struct walk_entry *entry);
	/* A directory, after its entries; stat was read again. NULL: nothing. */
	void (*leave)(void *context, const struct walk_entry *directory);
	/* An entry that could not be read because of ERR. The walk goes on with the next. */
	void (*failed)(void *context, const char *path, int err);

	/* Several processes may walk one tree: files whose name falls to PART of PARTS are handed out; 0 parts: all. */
	unsigned int parts, part;
	bool pin;      /* may be changed at any time: hold files by a descriptor before they are read */
	size_t mounts; /* result: entries passed over because they lie on another mount */
};

/*
 * Walks the tree below and including TOP (O_PATH, the caller's), whose path is PATH: depth first, children before
 * leave() of their directory, the top last. Follows no link. Entries that vanish, or change their type, on the way are
 * passed over. Needs memory for the depth but not for the number of entries, and 64 descriptors. 0, or -1 with errno
 * where it had to stop: EINVAL if TOP is "/", ESTALE if a directory was moved while the walk was in it.
 */
int walk_tree(struct walk_tree *tree, int top, const char *path) __attribute__((warn_unused_result));

/* Holds an entry by O_PATH and reads it again into *NOW. The descriptor is the caller's. */
int walk_pin(const struct walk_entry *entry, struct walk_stat *now) __attribute__((warn_unused_result));

#endif
