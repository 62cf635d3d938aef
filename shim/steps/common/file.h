/*
 * Putting files in place where others may be at work: shared by write, copy, template and accounts. Whatever is
 * changed is held by a descriptor first, and nothing is written through a link, into a FIFO, or into a file that has
 * another name elsewhere.
 */
#ifndef CAPSHIM_STEPS_COMMON_FILE_H
#define CAPSHIM_STEPS_COMMON_FILE_H

#include "steps/setup.h"
#include "walk/walk.h"

/* Lies in a directory while `only_if_empty` fills it: see file_is_empty(). */
#define FILE_SEEDING ".capshim-seeding"

/* What a file is to be. */
struct file_want {
	const char *bytes; /* its content, LENGTH bytes; or NULL: all that */
	size_t length;
	int source; /* this descriptor, of a regular file, holds */
	mode_t mode;
	uint32_t uid, gid; /* ACCOUNTS_NO_ID: stays as it is; capshim's own where the file is new */
	bool fresh;        /* what is there stays, also what comes to be there meanwhile */
	bool unsynced;     /* a power cut may leave the name without the content */
	bool keep_times;   /* the source's time of last modification */
	bool keep_xattrs;  /* its extended attributes of the user's name space */
};

/* The mode and owner that STEP asks for: what is made is the identity's own, unless it says more. */
void file_attributes(const struct step *step, struct file_want *want);

/*
 * Finds PATH by walk.h's rule, its last component too. Where there is nothing yet (also at the end of links that the
 * rule follows) found->fd is -1 and only parent and name are set; with MAKE the directories on the way are made.
 * False: could not VERB it, and that was reported.
 */
bool file_find(struct setup *setup, const char *verb, const char *path, bool make, struct walk_found *found)
	__attribute__((warn_unused_result));
void file_release(struct walk_found *found);

/*
 * Puts the file WANT at NAME in the directory PARENT, which is on GROUND, as is due where the process acts: left alone where
 * it is so already; otherwise written beside it, given its owner and mode, and renamed into place, so that nobody sees half
 * of it or a secret with another mode. In place only where it is a mount point (rename(2) is EBUSY there), and then only into
 * a regular file with one name. What is to be root's is also replaced where somebody may have it open for writing. PATH is
 * for messages. False: could not VERB it, and that was reported. Counts what it did.
 */
bool file_put(struct setup *setup, const char *verb, const char *path, int parent, const struct ground *ground,
	      const char *name, const struct file_want *want);

/*
 * Gives the regular file that FOUND holds this mode (NULL: any) and owner, where they differ. False: it could not, or
 * the file has other names, and that was reported. Counts.
 */
bool file_enforce(struct setup *setup, const char *path, const struct walk_found *found, const mode_t *mode,
		  uint32_t uid, uint32_t gid);

/*
 * Must what is WANTed in PARENT be renamed into place before it is given away? In a sticky directory of another user's only
 * the owner of a file may rename it.
 */
bool file_renames_first(int parent, const struct file_want *want);

/*
 * Reads the regular file that FD (O_PATH; NAME in PARENT) holds, at most 16 MiB. NUL-terminated, in MEM. NULL with
 * errno: EFBIG, EINVAL for what is no regular file.
 */
char *file_read(struct mem *mem, int fd, int parent, const char *name, size_t *length)
	__attribute__((warn_unused_result));

/*
 * Is the directory or file that was FOUND empty? lost+found does not count, and a directory whose seeding was interrupted
 * counts as empty: one where FILE_SEEDING is the identity's and holds something. 1, 0, or -1 with errno. Acts as is due in
 * the directory.
 */
int file_is_empty(const struct walk_found *found) __attribute__((warn_unused_result));

/* The same for the directory FD (O_PATH), in which the process acts as is due. */
int file_is_empty_directory(int fd) __attribute__((warn_unused_result));

/*
 * Does the directory at FD, NAME in PARENT, hold nothing but what one of GLOBS matches? 0 as well where it is no directory;
 * -1 with errno where it cannot be read.
 */
int file_holds_only(const struct walk_found *found, const struct list *globs);

#endif
