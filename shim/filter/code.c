#include <endian.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "filter/parts.h"

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define LOAD_NUMBER LOAD(offsetof(struct seccomp_data, nr))
#define LOW(index) (offsetof(struct seccomp_data, args) + 8 * (index) + (BYTE_ORDER == LITTLE_ENDIAN ? 0 : 4))
#define HIGH(index) (offsetof(struct seccomp_data, args) + 8 * (index) + (BYTE_ORDER == LITTLE_ENDIAN ? 4 : 0))
#define AND(mask) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define SKIP(count) BPF_STMT(BPF_JMP | BPF_JA, count)
#define IF(test, value, then, otherwise) BPF_JUMP(BPF_JMP | (test) | BPF_K, value, then, otherwise)
#define ADD(code, ...) add_instruction(code, (struct sock_filter)__VA_ARGS__)

static void add_instruction(struct filter_code *code, struct sock_filter instruction)
{
	if (code->count < BPF_MAXINSNS)
		code->code[code->count++] = instruction;
	else
		code->count = BPF_MAXINSNS + 1;
}

void filter_code_add(struct filter_code *code, const struct sock_filter *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_instruction(code, from[i]);
}

void filter_code_canary(struct filter_code *code)
{
	ADD(code, IF(BPF_JEQ, SYS_prctl, 0, 6));
	ADD(code, LOAD(HIGH(0)));
	ADD(code, IF(BPF_JEQ, 0, 0, 3));
	ADD(code, LOAD(LOW(0)));
	ADD(code, IF(BPF_JEQ, FILTER_CANARY_OPTION, 0, 1));
	ADD(code, RETURN(SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO));
	ADD(code, LOAD_NUMBER);
}

/* The number of instructions of a condition: one number for all comparisons of size, one for equality. */
static unsigned int condition_length(const struct filter_condition *c)
{
	switch (c->op) {
	case FILTER_MASKED_EQ:
		return 6;
	case FILTER_EQ:
	case FILTER_NE:
		return 4;
	default:
		return 5;
	}
}

/*
 * Falls through if C holds, and skips REST more instructions if it does not. BPF computes with 32 bits: the upper
 * half decides, unless it is equal. libseccomp is no model for this: it merges the comparisons of one call into a
 * tree, and some of its releases get equal halves wrong.
 */
static void add_condition(struct filter_code *code, const struct filter_condition *c, unsigned int rest)
{
	const uint32_t high = (uint32_t)(c->value >> 32), low = (uint32_t)c->value;
	const unsigned char no = (unsigned char)rest;
	const unsigned char no2 = (unsigned char)(rest + 2), no3 = (unsigned char)(rest + 3);

	ADD(code, LOAD(HIGH(c->index)));
	switch (c->op) {
	case FILTER_MASKED_EQ:
		ADD(code, AND(high));
		ADD(code, IF(BPF_JEQ, (uint32_t)(c->two >> 32), 0, no3));
		ADD(code, LOAD(LOW(c->index)));
		ADD(code, AND(low));
		ADD(code, IF(BPF_JEQ, (uint32_t)c->two, 0, no));
		return;
	case FILTER_EQ:
		ADD(code, IF(BPF_JEQ, high, 0, no2));
		ADD(code, LOAD(LOW(c->index)));
		ADD(code, IF(BPF_JEQ, low, 0, no));
		return;
	case FILTER_NE:
		ADD(code, IF(BPF_JEQ, high, 0, 2));
		ADD(code, LOAD(LOW(c->index)));
		ADD(code, IF(BPF_JEQ, low, no, 0));
		return;
	case FILTER_GT:
	case FILTER_GE:
		ADD(code, IF(BPF_JGT, high, 3, 0));
		ADD(code, IF(BPF_JEQ, high, 0, no2));
		ADD(code, LOAD(LOW(c->index)));
		ADD(code, IF(c->op == FILTER_GT ? BPF_JGT : BPF_JGE, low, 0, no));
		return;
	case FILTER_LT:
	case FILTER_LE:
		ADD(code, IF(BPF_JGT, high, no3, 0));
		ADD(code, IF(BPF_JEQ, high, 0, 2));
		ADD(code, LOAD(LOW(c->index)));
		ADD(code, IF(c->op == FILTER_LT ? BPF_JGE : BPF_JGT, low, no, 0));
		return;
	}
}

/* Returns the action of RULE if its conditions hold; falls through if one does not. At most 37 instructions. */
static void add_rule(struct filter_code *code, const struct filter_rule *rule)
{
	unsigned int rest = 1;

	for (size_t i = 0; i < rule->nconditions; i++)
		rest += condition_length(&rule->conditions[i]);
	for (size_t i = 0; i < rule->nconditions; i++) {
		rest -= condition_length(&rule->conditions[i]);
		add_condition(code, &rule->conditions[i], rest);
	}
	ADD(code, RETURN(rule->action));
}

/* A rule without conditions always matches: nothing after it can be reached. */
static void add_uses(struct filter_code *code, const struct filter_use *uses, uint32_t otherwise)
{
	bool open = true;

	for (; open && uses; uses = uses->next) {
		add_rule(code, uses->rule);
		open = uses->rule->nconditions > 0;
	}
	if (open)
		ADD(code, RETURN(otherwise));
}

/* A jump over instructions that are added later: 32 bits wide, while the jumps of a condition have 8. */
static size_t skip_start(struct filter_code *code)
{
	ADD(code, SKIP(0));
	return code->count - 1;
}

void filter_code_skip_end(struct filter_code *code, size_t skip)
{
	if (code->count <= BPF_MAXINSNS)
		code->code[skip].k = (uint32_t)(code->count - skip - 1);
}

void filter_code_call(struct filter_code *code, uint32_t number, const struct filter_use *uses, uint32_t otherwise)
{
	ADD(code, IF(BPF_JEQ, number, 1, 0));
	size_t skip = skip_start(code);
	add_uses(code, uses, otherwise);
	filter_code_skip_end(code, skip);
}

static void add_subs(struct filter_code *code, const struct filter_sub *sub)
{
	for (; sub; sub = sub->next) {
		ADD(code, LOAD(LOW(0)));
		ADD(code, AND(sub->mask));
		ADD(code, IF(BPF_JEQ, sub->value, 0, 1));
		ADD(code, RETURN(sub->action));
	}
}

void filter_code_ranges(struct filter_code *code, const struct filter_range *ranges, size_t count)
{
	if (count == 1) {
		add_subs(code, ranges->subs);
		add_uses(code, ranges->uses, ranges->action);
		return;
	}
	const size_t half = count / 2;
	ADD(code, IF(BPF_JGE, ranges[half].from, 0, 1));
	size_t skip = skip_start(code);
	filter_code_ranges(code, ranges, half);
	filter_code_skip_end(code, skip);
	filter_code_ranges(code, ranges + half, count - half);
}

size_t filter_code_arch(struct filter_code *code, uint32_t arch)
{
	if (code->count == 0)
		ADD(code, LOAD(offsetof(struct seccomp_data, arch)));
	ADD(code, IF(BPF_JEQ, arch, 1, 0));
	const size_t skip = skip_start(code);
	ADD(code, LOAD_NUMBER);
	return skip;
}

bool filter_code_end(struct filter_code *code, struct filter *filter, struct mem *mem)
{
	/* Kill the whole process: one that loses a single thread may hang. */
	ADD(code, RETURN(SECCOMP_RET_KILL_PROCESS));
	if (code->count > BPF_MAXINSNS)
		return false;
	filter->count = (unsigned short)code->count;
	filter->code = mem_array(mem, code->count, sizeof(*filter->code));
	memcpy(filter->code, code->code, code->count * sizeof(*filter->code));
	return true;
}
