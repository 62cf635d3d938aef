/*
 * Putting files in place where others may be at work: shared by write, copy, template and accounts. Everything is
 * held by a descriptor before it is changed, and nothing is written through a link, into a FIFO, or into a file with
 * another hard link.
 */
#pragma once

#include "steps/setup.h"
#include "walk/walk.h"

/* What a file should be. */
struct file_want {
	const char *bytes; /* the content, LENGTH bytes; or NULL: the content of */
	size_t length;
	int source;              /* this descriptor, a regular file */
	const struct stat *stat; /* of SOURCE, when it was opened */
	mode_t mode;
	uint32_t uid, gid; /* ACCOUNTS_NO_ID: unchanged; capshim's own for a new file */
	bool as_it_is;     /* no owner is written: root's file stays root's */
	bool from_present; /* content, mode and owner are of one file that was read: not of what has its name by now */
	bool others;       /* others than root may have chosen the content */
	bool listed;       /* what is there has an access control list, or that cannot be seen */
	bool fresh;        /* keep an existing file, even one that appears meanwhile */
	bool unsynced;     /* after a power cut the name may exist without the content */
	bool direct;       /* no NAME is known, and the next start replaces one that holds less than the content */
	bool clean;        /* nothing that a killed run has left lies in its directory */
	bool plain;        /* nor anything that must not be opened, and only root could put that there */
	bool keep_times;   /* the source's time of last modification */
	bool keep_xattrs;  /* its extended attributes of the user's name space */
	struct setup *setup; /* for the progress inside of a large file, PATH; file_put() sets both */
	const char *path;
};

/* The mode and owner that STEP asks for; by default a new file belongs to the identity. */
void file_attributes(const struct step *step, struct file_want *want);

/*
 * Puts the file WANT at NAME in the directory PARENT, which is on GROUND, acting as the directory asks. Nothing
 * happens if it is right already. Otherwise it is written beside NAME, given its owner and mode, and renamed into
 * place, so that no reader sees half of it, or a secret with another mode. It is written in place only if it is a
 * mount point (rename(2) answers EBUSY), and then only if it is a regular file with one name. A file that root must
 * own is also replaced if another process may have it open for writing. With DIRECT it is written under its own name
 * if that is free: its owner and mode first, then the content, so that one that holds all of it is complete. PATH is
 * for messages. False: could not VERB it, and that was reported. Counts what it did.
 */
bool file_put(struct setup *setup, const char *verb, const char *path, int parent, const struct ground *ground,
	      const char *name, const struct file_want *want);

/*
 * Gives the regular file that FOUND holds the mode and owner of WANT, where they differ. False: it could not, or the file
 * has other hard links, and that was reported. Counts.
 */
bool file_enforce(struct setup *setup, const char *path, const struct walk_found *found, const struct file_want *want);

bool file_is_as_wanted(const struct stat *now, const struct file_want *want);

/*
 * Gives the file FD, NAME in PARENT or NULL where it can be written, the mode and owner of WANT. One that was PRESENT loses its
 * old owner's access control list. False with errno and the capability that it needs.
 */
[[nodiscard]] bool file_give(int fd, int parent, const char *name, const struct file_want *want, bool present,
			     int *cap);

/*
 * Could WANT in PARENT only be renamed into place before it is given away? In a sticky directory of another user only the
 * owner of a file may rename it. A link may; a file is refused there, for the identity could read it first.
 */
bool file_renames_first(int parent, const struct file_want *want);

/*
 * walk_reopen() for reading, of the file FD that is on GROUND. On root's ground root has put it there: without
 * CAP_DAC_OVERRIDE it is opened as its owner.
 */
[[nodiscard]] int file_open(int fd, int parent, const char *name, const struct ground *ground);

/*
 * Opens the regular file on foreign ground that FOUND describes as its owner, by the descriptor of the process: it may be a
 * secret that was moved there, so only to tell whether it holds what the config says. Without /proc, or on root's ground, it
 * is EACCES. *OPENED receives fstat(2).
 */
[[nodiscard]] int file_open_to_compare(const struct walk_found *found, struct stat *opened);

/*
 * Reads the file IN, at most 16 MiB, and closes it. NUL-terminated, in MEM. NULL with errno: EFBIG, or that of the call
 * that returned -1 as IN.
 */
[[nodiscard]] char *file_read(struct mem *mem, int in, size_t *length);

/*
 * Is the directory or file that was FOUND empty? lost+found does not count. A directory whose seeding was interrupted
 * counts as empty: TEMPORARY_SEEDING in it belongs to the identity and is not empty. 1, 0, or -1 with errno. Acts as the
 * directory asks.
 */
[[nodiscard]] int file_is_empty(const struct walk_found *found);

/* The same for the directory FD (O_PATH), with the process already acting as it asks. */
[[nodiscard]] int file_is_empty_directory(int fd);

/*
 * Does the directory at FD, NAME in PARENT, hold nothing but entries that GLOBS match? 0 if it is not a directory; -1
 * with errno if it cannot be read.
 */
int file_holds_only(const struct walk_found *found, const struct list *globs);
