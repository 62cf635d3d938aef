/* The built-in profile, compiled while capshim is built: deps/seccomp-generate.c writes the definitions. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The calls on which the capabilities in MASK decide. These instructions are used when the kept capabilities, limited to
 * MASK, are exactly KEPT; they come before the others.
 */
struct filter_variant {
	uint64_t mask, kept;
	unsigned short start, count; /* position and number in filter_default_calls */
};

extern const struct filter_variant filter_default_variants[];
extern const size_t filter_default_nvariants;
extern const struct sock_filter filter_default_calls[];
extern const struct sock_filter filter_default_ranges[]; /* the instructions that follow those */
extern const size_t filter_default_nranges;

/*
 * The JSON, packed: a byte from 0x80 on stands for two others, and two bytes, the first of which is below a newline, for the
 * name of a call. NUL-terminated.
 */
#define FILTER_REFERENCES 255
extern const size_t filter_default_length; /* of the JSON */
extern const unsigned char filter_default_pairs[][2];
extern const unsigned char filter_default_text[];
