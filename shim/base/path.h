/* How the kernel and shells read a program's name: the directories of PATH, and the first line of a script; one path
 * below another. */
#pragma once

#include "base/mem.h"

/* The directories searched if the environment has no PATH. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Returns the next directory of *PATH (the value of a variable), in MEM, and moves *PATH past it. NULL: there are no
 * more. Entries that do not start with '/' are skipped: they depend on the current directory.
 */
const char *path_next(struct mem *mem, const char **path);

/*
 * What of PATH lies below DIRECTORY, both absolute and compared by their components: "" if it is the same, NULL if it is
 * not there.
 */
const char *path_below(const char *path, const char *directory);

/* The same where a component of PATH ends before one of ENDS, which has the slash. */
const char *path_below_until(const char *path, const char *directory, const char *ends);

#define SCRIPT_LINE 256 /* BINPRM_BUF_SIZE: as much of a file's first line as the kernel reads */

/*
 * Splits LINE, the beginning of a file, as execve(2) does ("Interpreter scripts"). Returns the path of the
 * interpreter; *ARGUMENT is the rest as one word, or "". LINE holds at most SCRIPT_LINE bytes and a NUL. NULL: not a
 * script, nothing after "#!", or a path that does not end within SCRIPT_LINE.
 */
char *script_line(char *line, char **argument);
