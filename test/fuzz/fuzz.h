/*
 * What the fuzz targets share. A target asserts what must hold of every input; the library of libFuzzer is its main().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mem.h"

/* libFuzzer's, which has no header for C. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t length, size_t most);

/* A finding: says what, and ends the process so that libFuzzer keeps the input. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Set in a child that may end as capshim does; everywhere else an end is a finding. */
extern bool fuzz_may_end;

#define FUZZ_HOLDS(condition)                                                                     \
	do {                                                                                      \
		if (!(condition))                                                                 \
			fuzz_fail("%s:%d: it does not hold: %s", __FILE__, __LINE__, #condition); \
	} while (0)

/*
 * Takes what stands in front of the next line that is "--" off the text from *AT to END: NUL-terminated, its length in
 * *LENGTH (NULL: not needed), in MEM. Without such a line all of it; behind the end an empty text.
 */
char *fuzz_part(struct mem *mem, const uint8_t **at, const uint8_t *end, size_t *length);

/* The lines of TEXT, NULL-terminated. */
char **fuzz_lines(struct mem *mem, const char *text);
