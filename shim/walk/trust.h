/*
 * Opening files that can decide what root does: config, seccomp profiles, programs of steps, passwd and group. One
 * rule: a regular file, owned by root and writable by nobody else, and every directory on the way is owned by root
 * and writable by nobody else, or lies on a read-only mount. The descriptor that was checked is the one that is used.
 */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#include "base/mem.h"

/*
 * Opens PATH by the rule, O_RDONLY|O_CLOEXEC and above 2; the descriptor is the caller's. -1: *WHY (in MEM) says what
 * is wrong and what to write (COPY --chmod=0644, chown root, a bind mount of a developer's own file, a user namespace
 * in which files owned by root show as 65534). *STAT is fstat(2) of the descriptor.
 */
[[nodiscard]] int trust_open(struct mem *mem, const char *path, struct stat *stat, const char **why);

/*
 * Reads the whole of such a file, at most LIMIT bytes; the number of bytes must equal st_size. The result is
 * NUL-terminated, in MEM, its length in *LENGTH. NULL: *WHY as above, and errno is ENOENT only where there is no such file.
 */
[[nodiscard]] char *trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why);
