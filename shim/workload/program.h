/* The program that execve(2) will find, and what its files say about it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/capability.h"
#include "base/mem.h"
#include "filter/filter.h"

enum program_kind {
	PROGRAM_UNREADABLE,
	PROGRAM_ELF,
	PROGRAM_ELF32,
	PROGRAM_X32,
	PROGRAM_SCRIPT,
	PROGRAM_BOM,
	PROGRAM_UNKNOWN
};

/* A program or an interpreter that execve(2) will find. */
struct program_file {
	const char *path;
	int error; /* errno value: why it cannot be executed, or 0 */
	enum program_kind kind;
	struct capability_file caps; /* for an unreadable file only whether there are any */
};

/* The kernel follows five interpreters, fs/exec.c exec_binprm(). */
#define PROGRAM_FILES 6

struct program {
	struct program_file files[PROGRAM_FILES]; /* the program, then its #! interpreters */
	size_t count;
};

/*
 * The file that NAME means: NAME itself if it contains a '/', otherwise the first in the directories of PATH (a
 * variable's value) that this process may execute. Entries that do not start with '/' are skipped: they depend on the
 * current directory. NULL: *ERROR is ENOENT, or EACCES if *DENIED was found but may not be executed. In MEM.
 */
const char *program_find(struct mem *mem, const char *name, const char *path, int *error, const char **denied);

/*
 * Who reads the files. As root, before the drop: files in the workload's directories may be exchanged at any time, so
 * links are followed by the rule of walk.h, and only a regular file is ever opened. Files that root cannot read this
 * way are read later by the workload itself, with its own rights.
 */
enum program_reader { READ_AS_ROOT, READ_AS_WORKLOAD };

/*
 * Reads the file PATH, which program_find() returned, and its interpreters: kind, capabilities, and what prevents
 * executing them.
 */
void program_read(struct program *program, struct mem *mem, enum program_reader reader, const char *path);

/*
 * Would execve(2) lose a capability of KEEP or, with this BOUNDING set, fail with EPERM because of file capabilities?
 * See capabilities(7), "Transformation of capabilities during execve()". Or would FILTER kill it, because it is a 32-bit
 * program? NULL: no; otherwise why, in MEM.
 */
const char *program_refused(const struct program *program, struct mem *mem, uint64_t keep, uint64_t bounding,
			    const struct filter *filter);
