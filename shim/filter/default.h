/* The built-in profile, compiled while capshim is built: deps/seccomp-generate.c writes the definitions. */
#pragma once

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One call for which the kept capabilities change the decision. Its instructions are used when the kept capabilities,
 * limited to MASK, are exactly KEPT; they come before the others.
 */
struct filter_variant {
	uint64_t mask, kept;
	unsigned short start, count; /* position and number in filter_default_calls */
};

extern const uint32_t filter_default_arch; /* AUDIT_ARCH_… */
extern const struct filter_variant filter_default_variants[];
extern const size_t filter_default_nvariants;
extern const struct sock_filter filter_default_calls[];
extern const struct sock_filter filter_default_ranges[]; /* the instructions that follow those */
extern const size_t filter_default_nranges;
extern const char filter_default_json[];
