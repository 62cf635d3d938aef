/*
 * Opening what has the power of an executable: config, seccomp profiles, programs of steps, passwd and group.
 * One rule: a regular file that belongs to root and is writable by nobody else; and every directory on the way is
 * root's and writable by nobody else, or lies on a read-only mount. What was checked is what is used: the descriptor.
 */
#ifndef CAPSHIM_WALK_TRUST_H
#define CAPSHIM_WALK_TRUST_H

#include <stddef.h>

#include "base/mem.h"

/*
 * Opens PATH by the rule, O_RDONLY|O_CLOEXEC and above 2; the descriptor is the caller's. -1: *WHY (in MEM) tells what
 * is wrong and what to write (COPY --chmod=0644, chown root, a bind mount of a developer's own file, a user namespace
 * in which root's files show as 65534).
 */
int trust_open(struct mem *mem, const char *path, const char **why) __attribute__((warn_unused_result));

/*
 * Reads the whole of such a file, LIMIT bytes at most; the bytes read must be as many as st_size says. The result is
 * NUL-terminated, in MEM, its length in *LENGTH. NULL: *WHY as above.
 */
char *trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why)
	__attribute__((warn_unused_result));

#endif
