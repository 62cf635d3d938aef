/*
 * Foreign ground starts at the first directory of a path that others than root can change, and lasts to the end of
 * the path: the owner of a directory can move anything from the same file system to any name in it. On foreign ground
 * no link is followed, and root acts as the directory's owner, or as the workload where root owns it, so that the
 * kernel refuses what that user could not do. Only a mount whose mount point lies on the mount of "/" is judged anew: a
 * fresh volume below a directory of the image.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "privilege/identity.h"

#define GROUND_NOBODY 65534 /* the id where there is no workload, or no group is known */

/*
 * The errno for what would need another identity when CAP_SETUID and CAP_SETGID are missing. No file system call
 * returns it.
 */
#define GROUND_NO_IDENTITY EUSERS
#define GROUND_NEEDS                                                                                                    \
	"this needs CAP_SETUID and CAP_SETGID, to act as the owner of directories that are not root's alone: add them " \
	"to the container's cap_add"

/* The ground that something lies on. All zero: only root can change it. */
struct ground {
	bool foreign;
	bool alone;     /* SETUID and SETGID are missing: root goes on here with CHOWN alone */
	bool moved;     /* it lies in a mount that another container could have moved: ground_may_have_moved() */
	bool source;    /* what is read is for others */
	bool third;     /* a third user and the workload could both have moved what the other has to here */
	bool shared;    /* all users, or the workload, could have made or moved something in this directory */
	bool first;     /* it begins with this directory, which nobody but root could have moved */
	bool entered;   /* this directory has another owner than the identity, and the process acts as ACTS in it */
	uint32_t acts;  /* the uid to act as in this directory */
	uint32_t uid;   /* the identity's uid */
	uint32_t more;  /* the first foreign directory's group if only that, and root, may write from there to here; or
			 * IDENTITY_NO_ID */
	uint32_t owner; /* owner and mode of the first foreign directory, for messages */
	mode_t mode;
	uint32_t seen_uid, seen_gid; /* of this directory, when it was judged; */
	mode_t seen_mode;            /* who else could write to it, or 1 for a list */
};

/* The users that foreign ground can belong to. */
struct ground_people {
	struct fs_identity workload;                             /* GROUND_NOBODY if there is no workload, */
	bool none;                                               /* and this */
	uint32_t (*group_of)(const void *context, uint32_t uid); /* from passwd; IDENTITY_NO_ID if it has no entry */
	const void *context;
};

/* Sets the known users; PEOPLE must stay valid. NULL: no users are known, and remembered directories are forgotten. */
void ground_know(const struct ground_people *people);

/* Sets the capabilities that the current step may use on foreign ground; all others leave the effective set there. */
void ground_grant(uint64_t capabilities);

/*
 * Steps from PARENT (on GROUND) into its directory FD, which STAT describes. Afterwards GROUND describes what lies in
 * FD. With MAKE, a directory that ground_remember() knows is entered as its present owner.
 */
void ground_enter(struct ground *ground, int parent, int fd, const struct stat *stat, bool make);

/* From now on directories of GROUND are entered as their owner; UID owns this one. */
void ground_as_owner(struct ground *ground, uint32_t uid);

/*
 * A program that is not root, or can become another user, has run in this container, where it could move a directory with a mount
 * below, itself or through a process outside: from now on a mount on foreign ground is never judged anew.
 */
void ground_unfix(void);

/* Acts as GROUND asks from now on. 0, or -1 with errno GROUND_NO_IDENTITY. */
[[nodiscard]] int ground_act(const struct ground *ground);

/* As whom the process acted: for ground_back(). */
struct ground_acted {
	struct fs_identity who;
	uint64_t effective;
};

/*
 * Acts as the user UID, who owns an object on GROUND that is to be changed. GID is its group, or IDENTITY_NO_ID for
 * UID's group of passwd. Changes nothing if the process acts as UID already, or cannot act as another user. Returns as
 * whom it acted before.
 */
struct ground_acted ground_become(uint32_t uid, uint32_t gid);

/* Acts as before ground_become() again. Keeps errno. */
void ground_back(const struct ground_acted *was);

/* Does the process act on foreign ground now? */
bool ground_is_foreign(void);

/* In a directory that is entered as another user than the identity? */
bool ground_is_entered(void);

/*
 * The group for a new object owned by UID (IDENTITY_NO_ID: the identity's uid) when the config writes none: the
 * identity's group, but an object for another user must not be readable by the identity's group.
 */
uint32_t ground_group(uint32_t uid);

/* Is GID the group of a new object where the process acts as UID, the object's owner? */
bool ground_is_own_group(uint32_t uid, uint32_t gid);

/*
 * Prepares to replace or remove the entry of PARENT, in which foreign ground is AT, that belongs to UID. In a sticky directory
 * owned by root only root can rename or remove root's files: then acts as root, with no capability but CHOWN; but only right
 * where foreign ground begins, for further on others could have moved such a directory. With ANY it need not be sticky.
 */
void ground_for_name(const struct ground *at, int parent, uint32_t uid, bool any);

/*
 * Remembers the directory FD (held by a descriptor of its own from now on), which this run made or gave away and
 * which belonged to the identity before. Later steps of this run create and replace in it as its present owner.
 */
void ground_remember(int fd);

/*
 * Does the directory FD in PARENT, on this GROUND, lie in a mount that another container could have moved together
 * with its mount point, or is FD the root of such a mount? A recursive step does not start in one.
 */
bool ground_may_have_moved(const struct ground *ground, int parent, int fd);

/*
 * Have other users become able to change the directory FD since GROUND, of what lies in it, was judged? Then they may have put there what
 * was opened in it since. True: GROUND was judged again, and is weaker now, so each step that asks until it is false comes to an end.
 */
bool ground_is_given(struct ground *ground, int fd);

/* Notes who can change the directory FD, which STAT describes, for ground_is_given(). ground_enter() does so itself. */
void ground_see(struct ground *ground, int fd, const struct stat *stat);

/*
 * May a step other than chown and chmod give what it found on GROUND, described by STAT, to another user? Objects
 * owned by root or by a third user may have been moved there, so they must not be given away, even
 * where the workload is root itself; also what this run has made, which can be moved to another name. MORE: it would not only
 * lose rights.
 */
bool ground_may_give(const struct ground *ground, const struct stat *stat, bool more);

/* walk_chmod() as UID, the owner of what FD holds, so that CAP_FOWNER is not needed. GID as for ground_become(). */
[[nodiscard]] int ground_chmod(int fd, int parent, const char *name, uint32_t uid, uint32_t gid, mode_t mode);
