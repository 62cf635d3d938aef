/*
 * The seccomp filter: compiles a profile (JSON as in Docker and the OCI runtime spec) to BPF, loads it, and proves
 * the load with a canary.
 */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/yaml.h"

struct filter {
	struct sock_filter *code; /* NULL: no filter ("unconfined") */
	unsigned short count;     /* number of instructions; the first ones are the canary's */
	unsigned int flags;       /* for seccomp(2) SECCOMP_SET_MODE_FILTER */
};

/*
 * The canary: prctl(2) with this first argument, which no kernel knows, answers with this errno under capshim's
 * filter and with EINVAL otherwise. PR_GET_SECCOMP returns 2 in every container and proves nothing.
 */
#define FILTER_CANARY_OPTION 0x63617073UL
#define FILTER_CANARY_ERRNO 4000

/*
 * The changes that a config makes to a profile. ALLOW and DENY are lists, or one item, of names of system calls and
 * groups; NULL: none. ALLOW replaces everything that the profile says about a call, and DENY overrides both.
 */
struct filter_changes {
	const struct node *allow, *deny;
	bool log; /* the kernel logs denied calls: SECCOMP_FILTER_FLAG_LOG */
};

/* What a profile is compiled for. */
struct filter_target {
	uint64_t keep;                           /* the kept capabilities, for includes and excludes by caps */
	unsigned int kernel_major, kernel_minor; /* for minKernel */
	struct filter_changes changes;
};

/*
 * Compiles NODE, the root of a profile's tree, which it also reads to PROFILE; NULL: that is not wanted. Returns false exactly when it added a problem. A profile under which no
 * workload could start (it denies execve) or end (exit_group) is a problem, because after the drop it would be too
 * late.
 */
struct filter_profile;
[[nodiscard]] bool filter_compile(struct filter *filter, struct filter_profile *profile, struct problems *problems,
				  const struct node *node, const struct filter_target *target);

/*
 * Adds to LINES, for --check, one line for each name that PROFILE allows and calls.h does not know. They are
 * harmless because they stay denied, but not what the author expects. PROFILE must have passed filter_compile().
 */
void filter_unknown(struct mem *mem, const struct node *profile, const struct filter_target *target,
		    struct list *lines);

/*
 * Reads a compiled profile (FILE.bpf) of LENGTH bytes. Returns NULL, or what is wrong: not such a file, truncated,
 * made for another architecture, other capabilities, another kernel condition or another version, wrong checksum.
 */
[[nodiscard]] const char *filter_read(struct filter *filter, struct mem *mem, const void *bytes, size_t length,
				      const struct filter_target *target);

/* The built-in default profile for these kept capabilities, compiled while capshim was built. */
void filter_default(struct filter *filter, struct mem *mem, uint64_t keep);

/*
 * --compile-seccomp: compiles the profile in the file IN (opened by the rule of trust.h) for TARGET into the file
 * OUT. Prints what is wrong, and the names that filter_unknown() finds. Returns the exit status: 0, DIAG_USER or
 * DIAG_SYSTEM.
 */
[[nodiscard]] int filter_compile_file(struct problems *problems, const char *in, const char *out,
				      const struct filter_target *target);

/* --explain: the tree of the built-in default profile, as filter_compile() takes it; its memory belongs to PROBLEMS. */
const struct node *filter_default_profile(struct problems *problems);

/*
 * --explain: what FILTER answers to each call that this machine knows, one line for each group of the default
 * profile. All answers are computed from the BPF itself.
 */
void filter_explain(struct mem *mem, const struct filter *filter, struct list *lines);

/* --explain: the same in one line. */
const char *filter_summary(struct mem *mem, const struct filter *filter);

/*
 * --explain: what FILTER answers to the call NAME, and the rules of PROFILE (NULL: compiled, rules unknown) that
 * decided it. False: there is no call of that name.
 */
[[nodiscard]] bool filter_explain_call(struct mem *mem, const struct filter *filter, const struct node *profile,
				       const struct filter_target *target, const char *name, struct list *lines);

/* --explain: what each addition of CHANGES opens, one line each. */
void filter_explain_changes(struct mem *mem, const struct filter_changes *changes, struct list *lines);

/* AUDIT_ARCH_… of this machine; and the name of a call of ARCH, NULL: none that this machine runs has it. */
uint32_t filter_native(void);
const char *filter_call_name(uint32_t arch, uint32_t number);

/* Does FILTER kill every program for the 32-bit ABI of this machine or, if X32, for x32? */
bool filter_kills_32bit(const struct filter *filter, bool x32);

/*
 * Loads the filter into this process. Needs no_new_privs (or CAP_SYS_ADMIN). Ends the process with 111 if the kernel
 * refuses, 112 if the canary does not answer afterwards. After this only execve may follow, and the exit if that
 * fails.
 */
void filter_load(const struct filter *filter);
