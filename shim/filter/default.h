/*
 * The built-in profile as the build compiles it: deps/seccomp-generate.c writes the definitions.
 */
#ifndef CAPSHIM_FILTER_DEFAULT_H
#define CAPSHIM_FILTER_DEFAULT_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One call that kept capabilities decide otherwise: its instructions stand in front of the others where the kept
 * capabilities are, of those in MASK, exactly KEPT.
 */
struct filter_variant {
	uint64_t mask, kept;
	unsigned short start, count; /* in filter_default_calls */
};

extern const uint32_t filter_default_arch; /* AUDIT_ARCH_… */
extern const struct filter_variant filter_default_variants[];
extern const size_t filter_default_nvariants;
extern const struct sock_filter filter_default_calls[];
extern const struct sock_filter filter_default_ranges[]; /* what follows them */
extern const size_t filter_default_nranges;
extern const char filter_default_json[];

#endif
