/*
 * What a seccomp profile says, computed from its JSON by the shortest way, and what BPF does, computed by running it:
 * the two that the filter is checked against. Shares nothing with shim/filter/.
 */
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/yaml.h"

#define MEANING_ARCHS 3
#define MEANING_NUMBERS 1024                 /* of calls; no architecture has more */
#define MEANING_PRIVATE 0xf0000              /* the first of 32-bit Arm's own calls */
#define MEANING_SLOTS (MEANING_NUMBERS + 16) /* those are behind the others */

struct meaning_condition {
	unsigned int index;
	const char *op;
	uint64_t value, two;
};

struct meaning_rule {
	struct meaning_rule *next;
	uint32_t action;
	struct meaning_condition conditions[64];
	size_t nconditions;
	unsigned char decides[MEANING_ARCHS][MEANING_SLOTS]; /* [arch][meaning_slot()] */
	const struct node *names;
};

struct meaning {
	struct mem *mem;
	uint32_t action;
	uint32_t archs[MEANING_ARCHS]; /* SCMP_ARCH_… */
	size_t narchs;
	uint32_t newest[MEANING_ARCHS];
	struct meaning_rule *rules, **end; /* those that apply */
};

struct meaning_target {
	uint64_t keep;
	unsigned int kernel_major, kernel_minor;
};

/* Reads a profile that is known to be without mistakes. */
void meaning_read(struct meaning *meaning, struct mem *mem, const struct node *profile,
		  const struct meaning_target *target);

/* Where the call NUMBER of ARCH stands; MEANING_SLOTS: nowhere. And the number that stands in SLOT. */
uint32_t meaning_slot(uint32_t arch, uint32_t number);
uint32_t meaning_number(uint32_t slot);

/* What the profile answers to the call in DATA, whose arch and nr are as the kernel gives them to a filter. */
uint32_t meaning_answer(const struct meaning *meaning, const struct seccomp_data *data);

/* The answer that counts of two: SECCOMP_RET_… of the higher precedence, see seccomp(2). */
uint32_t meaning_stricter(uint32_t a, uint32_t b);

/* Runs a filter. */
uint32_t bpf_run(const struct sock_filter *code, size_t count, const struct seccomp_data *data);

/*
 * Calls EACH with calls that can tell two filters apart: every number of every architecture, and for those with
 * conditions the values around each constant, in both halves, in all combinations (at most MOST of them, then at
 * random). Returns the number of calls, or 0 as soon as EACH returned false.
 */
size_t meaning_each_call(const struct meaning *meaning, size_t most,
			 bool (*each)(const struct seccomp_data *data, void *context), void *context);
