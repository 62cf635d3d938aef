/*
 * What the kernel and shells make of a program's name: the directories of PATH, and the first line of a script.
 */
#ifndef CAPSHIM_BASE_PATH_H
#define CAPSHIM_BASE_PATH_H

#include "base/mem.h"

/* The directories that are searched where the environment has no PATH. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * The next directory of PATH (a variable's value), which moves on behind it; in MEM. NULL: that was the last. What does not
 * begin with '/' is passed over: where it leads depends on the current directory.
 */
const char *path_next(struct mem *mem, const char **path);

#define SCRIPT_LINE 256 /* BINPRM_BUF_SIZE: what the kernel reads of a file's first line */

/*
 * Splits LINE, the beginning of a file, as execve(2) does ("Interpreter scripts"): returns the path of the interpreter;
 * *ARGUMENT is the rest as one word, "" where there is none. LINE holds SCRIPT_LINE bytes at most, and a NUL. NULL: no
 * script, nothing behind #!, or a path that does not end within SCRIPT_LINE.
 */
char *script_line(char *line, char **argument);

#endif
