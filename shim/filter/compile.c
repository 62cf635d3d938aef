#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include <linux/seccomp.h>

#include "filter/parts.h"

static struct filter_call *find_call(struct filter_call **calls, struct mem *mem, const char *name, int number)
{
	for (struct filter_call *call = *calls; call; call = call->next)
		if (call->number == number)
			return call;
	struct filter_call *call = mem_alloc(mem, sizeof(*call));
	call->name = name;
	call->number = number;
	call->next = *calls;
	*calls = call;
	return call;
}

struct filter_call *filter_calls(struct mem *mem, const struct filter_profile *profile, uint64_t keep, bool foreign)
{
	struct filter_call *calls = NULL;

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next) {
		const struct node *name = filter_rule_applies(rule, keep) ? filter_rule_name(rule, NULL) : NULL;
		for (; name; name = filter_rule_name(rule, name)) {
			int number = seccomp_syscall_resolve_name(name->text);
			if (number == __NR_SCMP_ERROR || !filter_rule_names(profile, rule, name->text, foreign))
				continue;
			struct filter_call *call = find_call(&calls, mem, name->text, number);
			struct filter_use **at = &call->uses, *use = mem_alloc(mem, sizeof(*use));
			while (*at && filter_rank((*at)->rule->action) <= filter_rank(rule->action))
				at = &(*at)->next;
			use->rule = rule;
			use->next = *at;
			*at = use;
			call->conditional |= rule->nconditions > 0;
		}
	}
	return calls;
}

#define NUMBERS 1024 /* more than any architecture has calls */

/* 32-bit Arm has calls that are in no kernel table, such as set_tls. Their slots follow the others. */
#define ARM_PRIVATE UINT32_C(0xf0000)
#define PRIVATE_NUMBERS 16

/* The decision for each number of one ABI. The field `from` is not used yet. */
struct abi {
	const struct filter_profile *profile;
	uint32_t arch; /* SCMP_ARCH_… */
	struct filter_range slots[NUMBERS + PRIVATE_NUMBERS];
};

/* The slot of NUMBER, as libseccomp numbers it for ABI's architecture; NULL: the ABI has no such call. */
static struct filter_range *slot_of(struct abi *abi, int number)
{
	uint32_t n = (uint32_t)number & ~(abi->arch == SCMP_ARCH_X32 ? FILTER_X32_BIT : 0);

	if (abi->arch == SCMP_ARCH_ARM && n >= ARM_PRIVATE && n < ARM_PRIVATE + PRIVATE_NUMBERS)
		return &abi->slots[NUMBERS + n - ARM_PRIVATE];
	return n < NUMBERS ? &abi->slots[n] : NULL;
}

static void decide_slot(struct filter_range *slot, const struct filter_call *call)
{
	slot->subs = NULL;
	if (call->conditional)
		slot->uses = call->uses;
	else
		slot->action = call->uses->rule->action;
}

/* libseccomp's negative numbers, -1xx and -2xx, of calls that go through socketcall(2) or ipc(2). */
static bool is_multiplexed(int number)
{
	return number <= -100 && number > -300;
}

/* Do CALLS decide the call NAME differently from the default? */
static bool decided(const struct filter_profile *profile, const struct filter_call *calls, const char *name)
{
	while (calls && strcmp(calls->name, name) != 0)
		calls = calls->next;
	return calls && (calls->conditional || calls->uses->rule->action != profile->action);
}

/*
 * A rule for a call also applies to socketcall(2) and ipc(2), which can make the same call, unless the profile has
 * rules for these by name. A filter cannot see their real arguments, so the strictest rule applies to the call as a
 * whole, and only if the default would allow it. The upper half of ipc's first argument is a version, see ipc(2):
 * rules that deny ignore it.
 */
static void decide_multiplexer(struct abi *abi, struct mem *mem, const struct filter_call *calls,
			       const struct filter_call *call, int number)
{
	const bool ipc = number <= -200;
	const char *name = ipc ? "ipc" : "socketcall";
	struct filter_range *slot = slot_of(abi, seccomp_syscall_resolve_name_arch(abi->arch, name));
	const uint32_t action = call->uses->rule->action;
	const bool stricter = filter_rank(action) < filter_rank(abi->profile->action);

	if (!slot || (call->conditional && !stricter) || decided(abi->profile, calls, name))
		return;
	struct filter_sub *sub = mem_alloc(mem, sizeof(*sub));
	sub->mask = ipc && stricter ? 0xffff : UINT32_MAX;
	sub->value = (uint32_t)(-number % 100);
	sub->action = action;
	sub->next = slot->subs;
	slot->subs = sub;
}

/*
 * Calls that go through a multiplexer may also exist on their own, under numbers that libseccomp only reveals through
 * another lookup.
 */
static void decide_hidden(struct abi *abi, const struct filter_call *calls)
{
	for (int n = 0; n < NUMBERS; n++) {
		char *name = seccomp_syscall_resolve_num_arch(abi->arch, n);
		if (name && is_multiplexed(seccomp_syscall_resolve_name_arch(abi->arch, name)))
			for (const struct filter_call *call = calls; call; call = call->next)
				if (strcmp(call->name, name) == 0)
					decide_slot(&abi->slots[n], call);
		free(name);
	}
}

/* False: a call has a number without a slot, so the decision for it would be lost. */
static bool decide_calls(struct abi *abi, struct mem *mem, const struct filter_call *calls)
{
	bool hidden = false;

	for (size_t i = 0; i < sizeof(abi->slots) / sizeof(*abi->slots); i++)
		abi->slots[i] = (struct filter_range){.action = abi->profile->action};
	for (const struct filter_call *call = calls; call; call = call->next) {
		int number = seccomp_syscall_resolve_name_arch(abi->arch, call->name);
		struct filter_range *slot = number >= 0 ? slot_of(abi, number) : NULL;
		if (number >= 0 && !slot)
			return false;
		if (slot)
			decide_slot(slot, call);
		if (is_multiplexed(number)) {
			decide_multiplexer(abi, mem, calls, call, number);
			hidden = true;
		}
	}
	if (hidden)
		decide_hidden(abi, calls);
	return true;
}

/* The newest call of ABI that the profile names, in any rule; Arm's private calls do not count. */
static uint32_t newest_of(const struct abi *abi)
{
	int newest = 0;

	for (const struct filter_rule *rule = abi->profile->rules; rule; rule = rule->next)
		for (const struct node *name = filter_rule_name(rule, NULL); name;
		     name = filter_rule_name(rule, name)) {
			int number = seccomp_syscall_resolve_name_arch(abi->arch, name->text);
			if (number > newest && (abi->arch != SCMP_ARCH_ARM || (uint32_t)number < ARM_PRIVATE))
				newest = number;
		}
	return (uint32_t)newest;
}

/* The decisions for the numbers of one or two ABIs of one AUDIT_ARCH_…, and room for all of them. */
struct ranges {
	struct filter_range at[2 * (NUMBERS + PRIVATE_NUMBERS + 4)];
	size_t count;
};

static void add_range(struct ranges *ranges, uint32_t from, const struct filter_range *what)
{
	const struct filter_range *last = ranges->count ? &ranges->at[ranges->count - 1] : NULL;

	if (last && last->action == what->action && !last->uses && !last->subs && !what->uses && !what->subs)
		return;
	ranges->at[ranges->count] = *what;
	ranges->at[ranges->count++].from = from;
}

static void add_action(struct ranges *ranges, uint32_t from, uint32_t action)
{
	add_range(ranges, from, &(struct filter_range){.action = action});
}

/*
 * Adds the ranges of ABI after those with lower numbers. A program that tries a call newer than the profile must see
 * ENOSYS, as from an older kernel: programs can work without such a call, but fail if it is forbidden.
 */
static void add_abi(struct ranges *ranges, const struct abi *abi)
{
	const uint32_t otherwise = abi->profile->action, base = abi->arch == SCMP_ARCH_X32 ? FILTER_X32_BIT : 0;
	const bool other_errno =
		(otherwise & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && otherwise != (SECCOMP_RET_ERRNO | ENOSYS);
	const uint32_t newest = other_errno ? newest_of(abi) : 0;
	const uint32_t beyond = newest ? SECCOMP_RET_ERRNO | ENOSYS : otherwise;

	for (uint32_t n = 0; n < NUMBERS && (!newest || base + n <= newest); n++)
		add_range(ranges, base + n, &abi->slots[n]);
	add_action(ranges, newest ? newest + 1 : base + NUMBERS, beyond);
	if (abi->arch != SCMP_ARCH_ARM)
		return;
	for (uint32_t n = 0; n < PRIVATE_NUMBERS; n++)
		add_range(ranges, ARM_PRIVATE + n, &abi->slots[NUMBERS + n]);
	add_action(ranges, ARM_PRIVATE + PRIVATE_NUMBERS, otherwise);
}

static bool has_arch(const struct filter_profile *profile, uint32_t arch)
{
	for (size_t i = 0; i < profile->narchs; i++)
		if (profile->archs[i] == arch)
			return true;
	return false;
}

/* ARCH's calls, and those of x32 if ARCH is x86-64, which has them under the same AUDIT_ARCH_…. */
static void add_arch(struct filter_code *code, struct mem *mem, const struct filter_profile *profile, uint32_t arch,
		     const struct filter_call *calls)
{
	struct ranges *ranges = mem_alloc(mem, sizeof(*ranges));
	struct abi *abi = mem_alloc(mem, sizeof(*abi));

	*abi = (struct abi){.profile = profile, .arch = arch};
	bool whole = decide_calls(abi, mem, calls);
	add_abi(ranges, abi);
	if (arch == SCMP_ARCH_X86_64 && has_arch(profile, SCMP_ARCH_X32)) {
		abi->arch = SCMP_ARCH_X32;
		whole &= decide_calls(abi, mem, calls);
		add_abi(ranges, abi);
	} else if (arch == SCMP_ARCH_X86_64) {
		add_action(ranges, FILTER_X32_BIT, SECCOMP_RET_KILL_PROCESS);
		/* A tracer that skips a call sets its number to -1: ptrace(2), seccomp(2). */
		add_action(ranges, UINT32_MAX, profile->action);
	}
	filter_code_ranges(code, ranges->at, ranges->count);
	/* No supported machine has such a call; a filter that lacks one must not be loaded. */
	if (!whole)
		code->count = BPF_MAXINSNS + 1;
}

size_t filter_sections(struct filter_section *sections, struct mem *mem, const struct filter_profile *profile,
		       uint64_t keep)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->narchs; i++) {
		if (profile->archs[i] == SCMP_ARCH_X32)
			continue;
		struct filter_section *section = &sections[count++];
		section->arch = profile->archs[i];
		filter_code_start(&section->code, mem);
		if (i == 0)
			filter_code_canary(&section->code);
		add_arch(&section->code, mem, profile, profile->archs[i], filter_calls(mem, profile, keep, i > 0));
	}
	return count;
}

bool filter_compile_profile(struct filter *filter, struct filter_profile *profile, struct problems *problems,
			    const struct node *node, const struct filter_target *target)
{
	struct filter_section sections[FILTER_ARCHS];

	memset(filter, 0, sizeof(*filter));
	if (!filter_profile_read(profile, problems, node, target))
		return false;
	struct mem *mem = &problems->mem;
	size_t count = filter_sections(sections, mem, profile, target->keep);
	if (!filter_assemble(filter, mem, sections, count))
		return yaml_problem(problems, node, "too large: the kernel takes %d instructions", BPF_MAXINSNS);
	filter->flags = profile->flags;
	const char *why = filter_unusable(mem, filter);
	if (why)
		yaml_problem(problems, node, "nothing could run under this profile: %s", why);
	return !why;
}

bool filter_compile(struct filter *filter, struct problems *problems, const struct node *profile,
		    const struct filter_target *target)
{
	struct filter_profile read;

	return filter_compile_profile(filter, &read, problems, profile, target);
}

void filter_unknown(struct mem *mem, const struct node *profile, const struct filter_target *target, struct list *lines)
{
	struct problems scratch = {0};
	struct filter_profile read;

	if (filter_profile_read(&read, &scratch, profile, target))
		for (const struct filter_rule *rule = read.rules; rule; rule = rule->next)
			for (const struct node *n = filter_rule_name(rule, NULL); n; n = filter_rule_name(rule, n))
				if (seccomp_syscall_resolve_name(n->text) == __NR_SCMP_ERROR)
					list_add(mem, lines,
						 mem_format(mem,
							    "%s:%u:%u: unknown system call \"%s\": it stays denied",
							    n->file, n->line, n->column, n->text));
	mem_release(&scratch.mem);
}
