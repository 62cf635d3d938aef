/*
 * Foreign ground. It begins at the first directory on a way that is not root's alone, and lasts to the way's end: whoever
 * owns a directory can move anything of the same file system to any name in it. There no link is followed, and root acts
 * as that directory's owner, so that the kernel refuses whatever the owner could not do himself. Only a mount whose mount
 * point lies on the mount of "/" is judged anew: a fresh volume below a directory of the image's.
 */
#ifndef CAPSHIM_WALK_GROUND_H
#define CAPSHIM_WALK_GROUND_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "privilege/identity.h"

#define GROUND_NOBODY 65534 /* where there is no workload, or no group is known */

/* errno of what would need another identity, where CAP_SETUID and CAP_SETGID are missing. No file system call gives it. */
#define GROUND_NO_IDENTITY EUSERS

/* Where something lies. All zero: root's ground. */
struct ground {
	bool foreign;
	bool alone;     /* without SETUID and SETGID root goes on here by CHOWN alone */
	bool moved;     /* it lies in a mount that somebody else could have moved there: ground_may_have_moved() */
	bool entered;   /* this directory is another's than the identity's, and is acted in as ACTS */
	uint32_t acts;  /* the uid to act as in this directory */
	uint32_t uid;   /* the identity's */
	uint32_t more;  /* the group that alone may write in the first foreign directory, root's; or IDENTITY_NO_ID */
	uint32_t owner; /* of the first foreign directory, and its mode: for messages */
	mode_t mode;
};

/* Who the others are. */
struct ground_people {
	struct fs_identity workload;                             /* GROUND_NOBODY where there is none */
	uint32_t (*group_of)(const void *context, uint32_t uid); /* by passwd; IDENTITY_NO_ID where it has none */
	const void *context;
};

/* Tells who they are; what it points to must stay. NULL: nobody is known, and remembered directories are forgotten. */
void ground_know(const struct ground_people *people);

/* The capabilities that the step at hand may use on foreign ground; all others leave the effective set there. */
void ground_grant(uint64_t capabilities);

/*
 * Steps from PARENT (on GROUND) into its directory FD, which STAT describes: GROUND is then that of what lies in FD. With
 * MAKE a directory that ground_remember() knows is entered as its present owner.
 */
void ground_enter(struct ground *ground, int parent, int fd, const struct stat *stat, bool make);

/* Directories of GROUND's kind, one of which belongs to UID, are acted in as their owner. */
void ground_as_owner(struct ground *ground, uint32_t uid);

/* Acts as GROUND asks from now on. 0, or -1 with GROUND_NO_IDENTITY. */
int ground_act(const struct ground *ground) __attribute__((warn_unused_result));

/*
 * Acts as the user UID, as whom an object on GROUND is changed that belongs to UID; GID is its group, or IDENTITY_NO_ID for
 * the one that UID has by passwd. Needs identity_can_change().
 */
void ground_become(uint32_t uid, uint32_t gid);

/* Does the process act on foreign ground now? */
bool ground_is_foreign(void);

/*
 * The group of what is made for the user UID (IDENTITY_NO_ID: the identity's own), where none is written: the identity's, but
 * what is made for somebody else is not for the identity's group to read.
 */
uint32_t ground_group(uint32_t uid);

/*
 * The entry of PARENT that belongs to UID is to be replaced or removed. In root's sticky directory the name of what is
 * root's is root's alone: acts as root then, with no capability but CHOWN.
 */
void ground_for_name(int parent, uint32_t uid);

/*
 * Remembers the directory FD (any descriptor; it is held by another from now on) that this run has made or gives away, and
 * that was the identity's own before. Later steps of this run make and replace in it as whoever owns it then.
 */
void ground_remember(int fd);

/*
 * Does the directory FD in PARENT, on this GROUND, lie in a mount that somebody else could have moved there together with
 * its mount point, or is it the top of one? A recursive step does not begin in one.
 */
bool ground_may_have_moved(const struct ground *ground, int parent, int fd);

/*
 * May a step that is not chown or chmod give what it found on GROUND, which STAT describes, to somebody else? What is
 * root's, and what is another user's, may have been moved there.
 */
bool ground_may_give(const struct ground *ground, const struct stat *stat);

/*
 * walk_chmod() as the owner, UID, of what FD holds: so nobody needs CAP_FOWNER. GID as in ground_become().
 */
int ground_chmod(int fd, int parent, const char *name, uint32_t uid, uint32_t gid, mode_t mode)
	__attribute__((warn_unused_result));

#endif
