/*
 * Shared by the files of the filter only.
 *
 * The meaning of a profile: a call is decided by the rules that name it, that apply here (includes, excludes) and
 * whose conditions all hold. If several match, the strictest decides, in the order in which the kernel ranks the
 * answers of several filters, see seccomp(2); the first of equally strict ones. No rule: defaultAction.
 */
#pragma once

#include "filter/calls.h"
#include "filter/filter.h"

#define FILTER_ARGS 6
#define FILTER_ARCHS 3
/* The flags of seccomp(2) that a profile can ask for: the other flags are for a supervisor. */
#define FILTER_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

enum filter_operator { FILTER_NE, FILTER_LT, FILTER_LE, FILTER_EQ, FILTER_GE, FILTER_GT, FILTER_MASKED_EQ };

/* args[INDEX] OP VALUE; for FILTER_MASKED_EQ (args[INDEX] & VALUE) == TWO. Unsigned, 64 bits. */
struct filter_condition {
	unsigned int index;
	enum filter_operator op;
	uint64_t value, two;
};

struct filter_rule {
	struct filter_rule *next;
	const struct node *node;  /* for messages */
	const struct node *names; /* a list, or one scalar; NULL in a change */
	uint16_t *calls;          /* those of the names that are known */
	size_t ncalls;
	const char *comment; /* or NULL */
	uint32_t action;     /* the value that BPF returns: SECCOMP_RET_… and its data */
	struct filter_condition conditions[FILTER_ARGS];
	size_t nconditions;
	uint64_t caps, not_caps; /* the rule applies if all of CAPS and none of NOT_CAPS are kept … */
	bool here;               /* … and the architecture and kernel match */
	bool change;             /* from the config's allow or deny, not from the profile */
	bool foreign;            /* not for the machine's own ABI */
};

/*
 * For the minKernel conditions: the newest version that this kernel reaches and the oldest that it does not; MAJOR <<
 * 16 | MINOR.
 */
struct filter_kernel {
	uint32_t reached, missed;
};

struct filter_profile {
	uint32_t action; /* the default action */
	unsigned int flags;
	bool abis[FILTER_ARCHS]; /* which of call_abis have a filter; the first, this machine's own, always */
	struct filter_rule *rules, *changes; /* the latter are the end of the former */
	struct filter_kernel kernel;
};

/* profile.c. Returns false exactly when it added a problem. */
[[nodiscard]] bool filter_profile_read(struct filter_profile *profile, struct problems *problems,
				       const struct node *node, const struct filter_target *target);

/* compile.c. Does RULE apply when the set KEEP is kept? */
bool filter_rule_applies(const struct filter_rule *rule, uint64_t keep);

/* Is CALL one of the calls of RULE? */
bool filter_rule_lists(const struct filter_rule *rule, size_t call);

/*
 * Does RULE decide CALL, which it lists, of the machine's own ABI or, if FOREIGN, of another one? A rule of the profile
 * does not if the config allows the call.
 */
bool filter_rule_decides(const struct filter_profile *profile, const struct filter_rule *rule, size_t call,
			 bool foreign);

/* Strictness of an action: the smaller, the stricter. */
int32_t filter_rank(uint32_t action);

/* changes.c. The call that NAME means; for a group the first one. */
const char *filter_change_call(const char *name);

/* A rule that decides one call. */
struct filter_use {
	struct filter_use *next;
	const struct filter_rule *rule;
};

/* The uses of each call, the strictest first, of the machine's own ABI or, if FOREIGN, of the others. In MEM. */
struct filter_use **filter_uses(struct mem *mem, const struct filter_profile *profile, uint64_t keep, bool foreign);

/*
 * code.c: instructions; COUNT begins as 0, and there is no need to clear the others. Behind the last one that the kernel
 * takes it stays at one more.
 */
struct filter_code {
	size_t count;
	struct sock_filter code[BPF_MAXINSNS];
};

/* One call made through socketcall(2) or ipc(2): the first argument has VALUE in the bits of MASK. */
struct filter_sub {
	struct filter_sub *next;
	uint32_t mask, value, action;
};

/*
 * The decision for the numbers from FROM up to the next range: by SUBS, else by USES, else by ACTION. A range with
 * USES or SUBS covers one number.
 */
struct filter_range {
	uint32_t from;
	uint32_t action;
	const struct filter_use *uses;
	struct filter_sub *subs;
};

void filter_code_add(struct filter_code *code, const struct sock_filter *from, size_t count);

/*
 * What stands between the two is for calls of ARCH, AUDIT_ARCH_…: it begins with the call's number in A, and every path
 * through it returns. The first returns what the second takes.
 */
[[nodiscard]] size_t filter_code_arch(struct filter_code *code, uint32_t arch);
void filter_code_skip_end(struct filter_code *code, size_t skip);

/* Decides every call of call_abis[ABI], and those of x32 with those of x86-64, which has the same AUDIT_ARCH_…. */
void filter_code_abi(struct filter_code *code, struct mem *mem, const struct filter_profile *profile, uint64_t keep,
		     size_t abi);

/* Answers the canary. */
void filter_code_canary(struct filter_code *code);

/* Decides the call NUMBER by USES, or by OTHERWISE if none matches. */
void filter_code_call(struct filter_code *code, uint32_t number, const struct filter_use *uses, uint32_t otherwise);

/* Decides every call by a binary search in RANGES, which are sorted and start at 0. */
void filter_code_ranges(struct filter_code *code, const struct filter_range *ranges, size_t count);

/* Ends CODE: calls of other architectures kill the process. False: larger than the kernel accepts. */
[[nodiscard]] bool filter_code_end(struct filter_code *code, struct filter *filter, struct mem *mem);

/* answer.c: the strictest and the most permissive answer that FILTER can give to a call, found by running its BPF. */
struct filter_answers {
	uint32_t strictest, laxest;
};

struct filter_answers filter_answer(const struct filter *filter, uint32_t arch, uint32_t number);

/*
 * Why no workload could start or end under FILTER, whatever the arguments of its calls, and the call that is DENIED; NULL: it
 * could.
 */
[[nodiscard]] const char *filter_unusable(struct mem *mem, const struct filter *filter, const char **denied);
