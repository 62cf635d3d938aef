/*
 * The one environment of a run, and ${…}. Order: what the container was started with, env_file, file_environment,
 * environment from top to bottom. ${…}, templates and the workload see the result.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "input/yaml.h"

/*
 * An environment: strings NAME=VALUE that stay valid as long as MEM. Users who set variables at the start may set
 * 100,000 of them, with any names: the time and memory of everything here is linear in their total size.
 */
struct environment {
	struct mem *mem;
	struct list vars;
	uint32_t *chains, *next, base; /* the index, see environ.c */
	size_t room;                   /* size of the index: 0, or a power of two */
};

/* Makes ENV from VARS: strings NAME=VALUE, no name twice, that stay valid as long as MEM. */
void environ_from(struct environment *env, struct mem *mem, const struct list *vars);

/*
 * Takes over the environment that execve(2) passed. A name that occurs twice is a problem: shells use the last value,
 * getenv(3) the first, so an added entry could change what some readers see. An entry without '=' is a problem, too.
 * ENVP and its strings must stay valid as long as ENV.
 */
void environ_start(struct environment *env, struct problems *problems, char **envp);

const char *environ_get(const struct environment *env, const char *name); /* NULL: not set */

/* The same for the LENGTH bytes at NAME. */
const char *environ_find(const struct environment *env, const char *name, size_t length);

/* Makes ENV of those variables of FROM that one of GLOBS matches. */
void environ_select(struct environment *env, struct mem *mem, const struct environment *from, const struct list *globs);

void environ_set(struct environment *env, const char *name, const char *value);
void environ_put(struct environment *env, char *var);             /* NAME=VALUE; stays valid as long as MEM */
void environ_unset(struct environment *env, const char *pattern); /* PATTERN is a name or a glob */
bool environ_matches(const struct environment *env, const char *pattern);

/* Does PATTERN match the name in VAR (NAME=VALUE)? Meanwhile the name is a string of its own. */
bool environ_name_matches(char *var, const char *pattern);

/*
 * Removes NAME as one of many: an empty string stays in VARS until environ_close_gaps(), which takes one pass over
 * all of them.
 */
void environ_take_out(struct environment *env, const char *name);
void environ_close_gaps(struct environment *env);

/* Is LISTEN_PID the process PID? Then LISTEN_FDS is meant for it: sd_listen_fds(3). */
bool environ_listens(const struct environment *env, pid_t pid);

/* Can NAME be set: [A-Za-z_][A-Za-z0-9_]*? (Names from outside may be anything; those that capshim sets may not.) */
bool environ_name_ok(const char *name);

/* The length of such a name at the beginning of TEXT; 0 if none is there. */
size_t environ_name_at(const char *text);

/*
 * Reads the lines of an env_file: KEY=VALUE. Empty lines and lines that start with '#' are skipped. VALUE is taken as
 * it is, except for one pair of quotes around all of it. Lines end with \n or \r\n. Of two lines with the same key the
 * last one counts. Nothing is sourced or expanded. No message shows the contents of a line.
 */
void environ_load(struct environment *env, struct problems *problems, const char *file, const char *text);

/*
 * Imports secrets from files, from the first entry of LIST (a list, or one scalar) to the last. An entry is
 *
 *   NAME      NAME_FILE holds the path of the file whose content becomes NAME's value (Docker's official images);
 *   a pattern with one '*': every variable that it matches holds such a path. The word FILE (between '_' or the ends)
 *             stands on one side of the '*'; the target's name is the variable's without that side:
 *             FILE__* makes FILE__PASSWORD set PASSWORD (linuxserver.io), GF_*__FILE makes GF_X__FILE set GF_X
 *             (Grafana), *_FILE makes X_FILE set X. A pattern with FILE on neither side or on both is refused.
 *
 * With BELOW, a list of directories, every path must lie below one of them as it is written, without . and .. components;
 * NULL: anywhere. The variable with the path is unset. An empty one, and an empty target, count as not set. Trailing newlines (\n and
 * \r\n) are stripped from the content, nothing else. Problems, at the entry: both set, a path that is not absolute, or
 * a file that cannot be found by walk_find()'s rule, is not regular, has more than 1 MiB or a NUL byte, or lies on
 * procfs. No message has a value in it, and a path only where it begins with '/'.
 */
void environ_import(struct environment *env, struct problems *problems, const struct node *list,
		    const struct list *below);

/*
 * Expands ${NAME}, ${NAME:-default}, ${NAME:?message}, ${NAME:+word} in the scalar NODE. Defaults nest; values are
 * not expanded again; $${ is a literal ${; $x without braces stays. Returns NULL exactly when it added a problem. Without
 * ENV (NULL) the references are only checked: what is returned is not the value.
 */
[[nodiscard]] const char *environ_expand(const struct environment *env, struct problems *problems,
					 const struct node *node);

/* Does TEXT contain a ${ that environ_expand() would expand? */
bool environ_has_reference(const char *text);
