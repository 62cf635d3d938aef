/*
 * The seccomp filter: from a profile (Docker's and the OCI runtime spec's JSON) to BPF, loading, and the canary that
 * proves the load. The only user of libseccomp.
 */
#ifndef CAPSHIM_FILTER_FILTER_H
#define CAPSHIM_FILTER_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input/yaml.h"

struct filter {
	struct sock_filter *code; /* NULL: no filter ("unconfined") */
	unsigned short count;     /* instructions; the first ones are the canary's */
	unsigned int flags;       /* of seccomp(2) SECCOMP_SET_MODE_FILTER */
};

/*
 * The canary: prctl(2) with this first argument, which no kernel knows, answers with this errno under a filter of
 * ours and with EINVAL otherwise. PR_GET_SECCOMP says 2 in every container and proves nothing.
 */
#define FILTER_CANARY_OPTION 0x63617073UL
#define FILTER_CANARY_ERRNO 4000

/*
 * What a config changes of a profile. ALLOW and DENY are lists, or one item, of names of system calls and of groups;
 * NULL: none. ALLOW takes the place of all that the profile says of a call, and DENY wins over both.
 */
struct filter_changes {
	const struct node *allow, *deny;
	bool log; /* the kernel logs what is denied: SECCOMP_FILTER_FLAG_LOG */
};

/* What a profile is compiled for. */
struct filter_target {
	uint64_t keep;                           /* the kept capabilities: includes and excludes by caps */
	unsigned int kernel_major, kernel_minor; /* minKernel */
	struct filter_changes changes;
};

/*
 * Compiles the profile PROFILE (root of its tree). False exactly when it added a problem; one under which no workload
 * could start (execve is denied) or end (exit_group is) is one: after the drop it would be found too late.
 */
bool filter_compile(struct filter *filter, struct problems *problems, const struct node *profile,
		    const struct filter_target *target) __attribute__((warn_unused_result));

/*
 * Names that PROFILE allows and libseccomp does not know: harmless, for they stay denied, but not what its author
 * thinks. Adds to LINES what --check should say, one line each. PROFILE has passed filter_compile().
 */
void filter_unknown(struct mem *mem, const struct node *profile, const struct filter_target *target,
		    struct list *lines);

/*
 * Reads a compiled profile (FILE.bpf) of LENGTH bytes. Returns NULL, or what is wrong: not one, truncated, another
 * architecture, other capabilities, another kernel condition, another version, checksum.
 */
const char *filter_read(struct filter *filter, struct mem *mem, const void *bytes, size_t length,
			const struct filter_target *target) __attribute__((warn_unused_result));

/* The built-in default profile for these kept capabilities. Needs no libseccomp. */
void filter_default(struct filter *filter, struct mem *mem, uint64_t keep);

/*
 * --compile-seccomp: compiles the profile in the file IN (by trust.h's rule) for TARGET into the file OUT. Says what is
 * wrong, and the names that filter_unknown() finds. Returns the exit status: 0, DIAG_USER or DIAG_SYSTEM.
 */
int filter_compile_file(const char *in, const char *out, const struct filter_target *target)
	__attribute__((warn_unused_result));

/* --explain: the tree of the built-in default profile, as filter_compile() takes it; its memory is PROBLEMS'. */
const struct node *filter_default_profile(struct problems *problems);

/*
 * --explain: what FILTER answers to each call that this machine knows, in groups a person can read, one line a group.
 * All answers are computed from the BPF itself. The groups are those of the default profile.
 */
void filter_explain(struct mem *mem, const struct filter *filter, struct list *lines);

/* --explain: the same in one line. */
const char *filter_summary(struct mem *mem, const struct filter *filter);

/*
 * --explain: what FILTER answers to the call NAME, and the rules of PROFILE (NULL: compiled, rules unknown) that
 * decided it. False: no call of that name is known.
 */
bool filter_explain_call(struct mem *mem, const struct filter *filter, const struct node *profile,
			 const struct filter_target *target, const char *name, struct list *lines)
	__attribute__((warn_unused_result));

/* --explain: what each addition of CHANGES opens, one line each. */
void filter_explain_changes(struct mem *mem, const struct filter_changes *changes, struct list *lines);

/*
 * Loads it into this process. Needs no_new_privs (or CAP_SYS_ADMIN); 111 where the kernel refuses, 112 where the
 * canary does not answer afterwards. After this only execve, and the way out if that fails.
 */
void filter_load(const struct filter *filter);

#endif
