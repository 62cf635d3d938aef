/*
 * What the files of the filter share; for nobody else.
 *
 * What a profile means: a call is decided by the rules that name it, that apply here (includes, excludes) and whose
 * conditions all hold. Where several say different things the strictest decides, in the order in which the kernel
 * ranks the answers of several filters, see seccomp(2); of equally strict ones the first. No rule: defaultAction.
 */
#ifndef CAPSHIM_FILTER_PARTS_H
#define CAPSHIM_FILTER_PARTS_H

#include "filter/filter.h"

#define FILTER_ARGS 6
#define FILTER_ARCHS 3
/* The flags of seccomp(2) that a profile can ask for: the others are for a supervisor. */
#define FILTER_FLAGS (SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

enum filter_operator { FILTER_NE, FILTER_LT, FILTER_LE, FILTER_EQ, FILTER_GE, FILTER_GT, FILTER_MASKED_EQ };

/* args[INDEX] OP VALUE; for FILTER_MASKED_EQ (args[INDEX] & VALUE) == TWO. All unsigned, all 64 bits. */
struct filter_condition {
	unsigned int index;
	enum filter_operator op;
	uint64_t value, two;
};

struct filter_rule {
	struct filter_rule *next;
	const struct node *node;  /* for messages */
	const struct node *names; /* a list, or one scalar */
	const char *comment;      /* or NULL */
	uint32_t action;          /* what BPF returns: SECCOMP_RET_… and its data */
	struct filter_condition conditions[FILTER_ARGS];
	size_t nconditions;
	uint64_t caps, not_caps; /* it applies if all of CAPS and none of NOT_CAPS are kept … */
	bool here;               /* … and architecture and kernel fit */
	bool change;             /* not the profile's, but of the config's allow or deny */
};

/* Of the minKernel conditions: the newest version that was reached and the oldest that was not; MAJOR << 16 | MINOR. */
struct filter_kernel {
	uint32_t reached, missed;
};

struct filter_profile {
	uint32_t action; /* the default */
	unsigned int flags;
	uint32_t archs[FILTER_ARCHS]; /* SCMP_ARCH_… that this machine can run; the first is its own */
	size_t narchs;
	struct filter_rule *rules;
	struct filter_kernel kernel;
};

/* profile.c. False exactly when it added a problem. */
bool filter_profile_read(struct filter_profile *profile, struct problems *problems, const struct node *node,
			 const struct filter_target *target) __attribute__((warn_unused_result));

/* rule.c. Does RULE count where the set KEEP is kept? */
bool filter_rule_applies(const struct filter_rule *rule, uint64_t keep);

/* The NAMES of a rule, one after the other: pass NULL first. */
const struct node *filter_rule_name(const struct filter_rule *rule, const struct node *before);

/* Is CALL among the names of RULE? */
bool filter_rule_lists(const struct filter_rule *rule, const char *call);

/* Does RULE decide CALL? A rule of the profile does not where the config allows the call. */
bool filter_rule_names(const struct filter_profile *profile, const struct filter_rule *rule, const char *call);

/* Strictness of an answer: the smaller the stricter. */
int32_t filter_rank(uint32_t action);

/* changes.c. The call that NAME means; of a group the first. */
const char *filter_change_call(const char *name);

/* compile.c: what decides one call */
struct filter_use {
	struct filter_use *next;
	const struct filter_rule *rule;
};

struct filter_call {
	struct filter_call *next;
	const char *name;
	int number;              /* of this machine, or libseccomp's negative number for a call it does not have */
	bool conditional;        /* some rule looks at arguments */
	struct filter_use *uses; /* strictest first */
};

struct filter_call *filter_calls(struct mem *mem, const struct filter_profile *profile, uint64_t keep);

/* The code that decides the calls of each of PROFILE's architectures in SECTIONS[FILTER_ARCHS]; returns how many. */
struct filter_section;
size_t filter_sections(struct filter_section *sections, struct mem *mem, const struct filter_profile *profile,
		       const struct filter_call *calls);

/* code.c: instructions. A buffer that is full stays at BPF_MAXINSNS + 1, and nothing more is written. */
struct filter_code {
	struct sock_filter *code;
	size_t count;
};

/* The code for calls of one architecture. It starts with the call's number in A, and every path through it returns. */
struct filter_section {
	uint32_t arch; /* AUDIT_ARCH_… */
	struct filter_code code;
};

/* One call that socketcall(2) or ipc(2) makes: their first argument has VALUE in the bits of MASK. */
struct filter_sub {
	struct filter_sub *next;
	uint32_t mask, value, action;
};

/*
 * What is decided for the numbers from FROM up to the next range's: by USES, else by SUBS, else by ACTION. A range with
 * USES or SUBS is one number.
 */
struct filter_range {
	uint32_t from;
	uint32_t action;
	const struct filter_use *uses;
	struct filter_sub *subs;
};

void filter_code_start(struct filter_code *code, struct mem *mem);
void filter_code_add(struct filter_code *code, const struct sock_filter *from, size_t count);

/* Answers the canary. */
void filter_code_canary(struct filter_code *code);

/* Decides the call NUMBER by USES; if none fits by OTHERWISE. */
void filter_code_call(struct filter_code *code, uint32_t number, const struct filter_use *uses, uint32_t otherwise);

/* Decides every call by a binary search in RANGES, which are sorted; the first begins at 0. */
void filter_code_ranges(struct filter_code *code, const struct filter_range *ranges, size_t count);

/* Puts SECTIONS together; calls of other architectures kill the process. False: larger than the kernel takes. */
bool filter_assemble(struct filter *filter, struct mem *mem, const struct filter_section *sections, size_t nsections)
	__attribute__((warn_unused_result));

/* answer.c: the strictest and the most permissive answer that FILTER can give to a call, by running its BPF. */
struct filter_answers {
	uint32_t strictest, laxest;
};

struct filter_answers filter_answer(const struct filter *filter, uint32_t arch, uint32_t number);

/* Why no workload could start or end under FILTER, whatever the arguments of its calls; NULL: it could. */
const char *filter_unusable(struct mem *mem, const struct filter *filter) __attribute__((warn_unused_result));

/* The same as filter_compile(), and the profile it read. */
bool filter_compile_profile(struct filter *filter, struct filter_profile *profile, struct problems *problems,
			    const struct node *node, const struct filter_target *target)
	__attribute__((warn_unused_result));

#endif
