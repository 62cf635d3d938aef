/*
 * The program that execve(2) will find, and what its files say about it.
 */
#ifndef CAPSHIM_WORKLOAD_PROGRAM_H
#define CAPSHIM_WORKLOAD_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/capability.h"
#include "base/mem.h"

enum program_kind { PROGRAM_UNREADABLE, PROGRAM_ELF, PROGRAM_SCRIPT, PROGRAM_UNKNOWN };

/* A program or an interpreter: what execve(2) will find. */
struct program_file {
	const char *path;
	int error; /* errno: why it cannot be executed, or 0 */
	enum program_kind kind;
	struct capability_file caps; /* of an unreadable one only whether there are any */
};

/* The kernel follows five interpreters, fs/exec.c exec_binprm(). */
#define PROGRAM_FILES 6

struct program {
	struct program_file files[PROGRAM_FILES]; /* the program, then its #! interpreters */
	size_t count;
};

/*
 * The file that NAME means: itself if it holds a '/', otherwise the first in the directories of PATH (a variable's
 * value) that this process may execute. Entries that do not begin with '/' mean the current directory or one below it
 * and are passed over. NULL: *ERROR is ENOENT, or EACCES if *DENIED was found but may not be executed. In MEM.
 */
const char *program_find(struct mem *mem, const char *name, const char *path, int *error, const char **denied);

/*
 * Who reads the files. As root, before the drop: what lies in the workload's directories may be exchanged at any time, so
 * links are followed by the rule of walk.h, and nothing but a regular file is ever opened. What is not found so is read
 * later, by the workload: what it can open is its own affair.
 */
enum program_reader { READ_AS_ROOT, READ_AS_WORKLOAD };

/*
 * Reads the file PATH, which program_find() returned, and its interpreters: kind, capabilities, what stands against
 * executing them.
 */
void program_read(struct program *program, struct mem *mem, enum program_reader reader, const char *path);

/*
 * Would execve(2) of it lose a capability of KEEP or, with this BOUNDING set, say EPERM because of file capabilities?
 * See capabilities(7), "Transformation of capabilities during execve()". NULL: no; otherwise why, in MEM.
 */
const char *program_refused(const struct program *program, struct mem *mem, uint64_t keep, uint64_t bounding);

#endif
