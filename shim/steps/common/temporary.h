/*
 * The other name under which a file or link is made until it is complete. It follows from the final name, so that the next
 * start finds, and removes, what a run that was killed has left. A file is locked by flock(2) as long as a process is at work
 * on it, which the end of the process undoes, whatever ended it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define TEMPORARY_NAME 48

/* Exists in a directory while `only_if_empty` fills it: see file_is_empty(). */
#define TEMPORARY_SEEDING ".capshim-seeding"

/*
 * Makes the file that is to become NAME in PARENT, mode 0600, open for writing and locked; its name there goes to TEMPORARY.
 * CLEAN: nothing was left there, temporary_is_any(). -1 with errno.
 */
[[nodiscard]] int temporary_file(int parent, const char *name, bool clean, char temporary[TEMPORARY_NAME]);

/* Is NAME that of such a file, or of a seed's? */
bool temporary_is_named(const char *name);

/*
 * Is NAME one that a killed run has left? It may hold a secret that the config leaves out of a step by its final name, so a step on
 * the whole tree does not copy it, give it to a user, or give it rights.
 */
bool temporary_is_left(const char *name);

/* Is it the marker of a seed? To copy it would be to say that the copy is one that is not complete. */
bool temporary_is_seeding(const char *name);

/* Could something that a run has left lie in the directory FD? *PLAIN: it holds nothing but files, links and directories. */
bool temporary_is_any(int fd, bool *plain);

/* Does the directory FD hold nothing, or nothing but that? */
bool temporary_is_alone(int fd);

/* Makes the file NAME in PARENT, which is not there yet, for writing. -1 with errno. */
[[nodiscard]] int temporary_create(int parent, const char *name, mode_t mode);

/* The same for a symbolic link with this TEXT: 0, or -1 with errno. */
[[nodiscard]] int temporary_link(int parent, const char *name, const char *text, char temporary[TEMPORARY_NAME]);

/*
 * Removes what a run that was killed has left of NAME, if another process has put NAME in place since then; with OWN only what can
 * be opened, and so seen not to be at work.
 */
void temporary_forget(int parent, const char *name, bool own);

/*
 * Renames TEMPORARY to NAME; with FRESH only where there is none: EEXIST. 0, or -1 with errno: for ENOENT and ESTALE it is
 * worth another try, temporary_again(), because another run took the file for one that was left.
 */
[[nodiscard]] int temporary_place(int parent, const char *temporary, const char *name, bool fresh);
bool temporary_again(int result, int *tries);

/* Is it the file FD that NAME in PARENT means? errno is ESTALE where it is not. */
bool temporary_is_at(int fd, int parent, const char *name);
