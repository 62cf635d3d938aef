/* Capabilities by name, and capabilities of files. The only user of libcap-ng. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

#define CAPABILITY_BIT(number) (UINT64_C(1) << (number))

/* The number of a capability. Case and the CAP_ prefix do not matter; a plain number is not accepted. -1: unknown. */
[[nodiscard]] int capability_number(const char *name);

struct capability_text {
	char text[32];
};

/* "CAP_CHOWN"; "CAP_41" for a number newer than the library. */
struct capability_text capability_name(unsigned int number);

/* The names of SET, with or without CAP_; and as a text: "CAP_CHOWN, CAP_FOWNER", or "none". In MEM. */
struct list capability_names(struct mem *mem, uint64_t set, bool prefix);
const char *capability_list(struct mem *mem, uint64_t set);

/* What the capabilities of a file do at execve(2): capabilities(7), "File capabilities". */
struct capability_file {
	bool present; /* the file has a security.capability attribute, even if empty or malformed */
	bool effective;
	uint64_t permitted, inheritable;
};

/*
 * Reads them from the open descriptor FD (not O_PATH), or where it is -1, for reports only, by PATH: links are followed on
 * the way, but not at the end. 0, or -1 with errno; "no such attribute" is 0.
 */
[[nodiscard]] int capability_of_file(int fd, const char *path, struct capability_file *file);
