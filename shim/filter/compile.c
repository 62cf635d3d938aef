#include <errno.h>
#include <string.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "filter/parts.h"

bool filter_rule_applies(const struct filter_rule *rule, uint64_t keep)
{
	return rule->here && (rule->caps & ~keep) == 0 && (rule->not_caps & keep) == 0;
}

bool filter_rule_lists(const struct filter_rule *rule, size_t call)
{
	for (size_t i = 0; i < rule->ncalls; i++)
		if (rule->calls[i] == call)
			return true;
	return false;
}

bool filter_rule_decides(const struct filter_profile *profile, const struct filter_rule *rule, size_t call,
			 bool foreign)
{
	if (rule->foreign && !foreign)
		return false;
	for (const struct filter_rule *r = profile->changes; r && !rule->change; r = r->next)
		if (r->action == SECCOMP_RET_ALLOW && (foreign || !r->foreign) && filter_rule_lists(r, call))
			return false;
	return true;
}

struct filter_use **filter_uses(struct mem *mem, const struct filter_profile *profile, uint64_t keep, bool foreign)
{
	struct filter_use **uses = mem_array(mem, call_count, sizeof(struct filter_use *));

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next)
		for (size_t i = 0; i < rule->ncalls && filter_rule_applies(rule, keep); i++) {
			if (!filter_rule_decides(profile, rule, rule->calls[i], foreign))
				continue;
			struct filter_use **at = &uses[rule->calls[i]], *use = mem_alloc(mem, sizeof(*use));
			while (*at && filter_rank((*at)->rule->action) <= filter_rank(rule->action))
				at = &(*at)->next;
			use->rule = rule;
			use->next = *at;
			*at = use;
		}
	return uses;
}

/* Does some rule look at arguments? */
static bool is_conditional(const struct filter_use *uses)
{
	while (uses && uses->rule->nconditions == 0)
		uses = uses->next;
	return uses != NULL;
}

static bool is_denied_by_config(const struct filter_use *uses)
{
	while (uses && !(uses->rule->change && uses->rule->action != SECCOMP_RET_ALLOW))
		uses = uses->next;
	return uses != NULL;
}

enum multiplexer { SOCKETCALL, IPC, MULTIPLEXERS };

/* The decisions for the calls of one ABI. */
struct abi {
	const struct filter_profile *profile;
	const struct call_abi *calls;
	uint32_t base; /* what is added to each number */
	struct filter_use **uses;
	uint16_t call_in[CALL_SLOTS];
	struct filter_sub *subs[MULTIPLEXERS];
	uint16_t sub_slots[MULTIPLEXERS];
	const struct filter_use *named[MULTIPLEXERS]; /* rules of the profile or the config for it, or NULL */
};

/*
 * A rule for a call also applies to socketcall(2) and ipc(2), which can make the same call, unless the profile has
 * rules for these by name. A filter cannot see their real arguments, so the strictest rule applies to the call as a
 * whole, and only if the default would allow it. What the config denies stays denied beside rules by name, by the strictest
 * of their answers. The upper half of ipc's first argument is a version, see ipc(2): rules that deny ignore it.
 */
static void decide_sub(struct abi *abi, struct mem *mem, const struct call_sub *call)
{
	const struct filter_use *uses = abi->uses[call->call];
	const enum multiplexer which = call->value < 200 ? SOCKETCALL : IPC;
	const bool denied = is_denied_by_config(uses);
	uint32_t action = uses ? uses->rule->action : 0;
	const bool stricter = denied || filter_rank(action) < filter_rank(abi->profile->action);

	if (!uses || (is_conditional(uses) && !stricter) || (abi->named[which] && !denied))
		return;
	for (uses = abi->named[which]; uses; uses = uses->next)
		if (filter_rank(uses->rule->action) < filter_rank(action))
			action = uses->rule->action;
	struct filter_sub *sub = mem_alloc(mem, sizeof(*sub));
	sub->mask = which == IPC && stricter ? 0xffff : UINT32_MAX;
	sub->value = call->value % 100U;
	sub->action = action;
	sub->next = abi->subs[which];
	abi->subs[which] = sub;
}

static void decide_calls(struct abi *abi, struct mem *mem)
{
	static const char *const multiplexers[] = {[SOCKETCALL] = "socketcall", [IPC] = "ipc"};

	memset(abi->call_in, CALL_NONE & 0xff, sizeof(abi->call_in));
	for (size_t call = 0; call < call_count; call++)
		if (abi->uses[call] && abi->calls->slots[call] != CALL_NONE)
			abi->call_in[abi->calls->slots[call]] = (uint16_t)call;
	for (size_t i = 0; i < MULTIPLEXERS; i++) {
		const int call = call_find(multiplexers[i]);
		const struct filter_use *uses = call < 0 ? NULL : abi->uses[call];
		abi->sub_slots[i] = call < 0 ? CALL_NONE : abi->calls->slots[call];
		if (is_conditional(uses) || (uses && uses->rule->action != abi->profile->action))
			abi->named[i] = uses;
	}
	for (const struct call_sub *sub = abi->calls->subs; sub->call != CALL_NONE; sub++)
		decide_sub(abi, mem, sub);
}

static struct filter_range decision(const struct abi *abi, uint32_t slot)
{
	struct filter_range range = {.action = abi->profile->action};
	const struct filter_use *uses = abi->call_in[slot] == CALL_NONE ? NULL : abi->uses[abi->call_in[slot]];

	if (is_conditional(uses))
		range.uses = uses;
	else if (uses)
		range.action = uses->rule->action;
	for (size_t i = 0; i < MULTIPLEXERS; i++)
		if (abi->sub_slots[i] == slot)
			range.subs = abi->subs[i];
	return range;
}

/*
 * The newest call of ABI that the profile names, in any rule; what the config denies makes none known. Arm's private
 * calls do not count, nor do those that socketcall(2) and ipc(2) can make.
 */
static uint32_t newest_of(const struct abi *abi)
{
	uint32_t newest = 0;

	for (const struct filter_rule *rule = abi->profile->rules; rule; rule = rule->next)
		for (size_t i = 0; i < rule->ncalls && (!rule->change || rule->action == SECCOMP_RET_ALLOW); i++) {
			const uint16_t slot = abi->calls->slots[rule->calls[i]];
			if (slot < CALL_NUMBERS && abi->base + slot > newest &&
			    !call_multiplexed(abi->calls, rule->calls[i]))
				newest = abi->base + slot;
		}
	return newest;
}

/* The decisions for the numbers of one or two ABIs of one AUDIT_ARCH_…. */
struct ranges {
	size_t count;
	struct filter_range at[2 * (CALL_SLOTS + 4)];
};

static void add_range(struct ranges *ranges, uint32_t from, struct filter_range what)
{
	const struct filter_range *last = ranges->count ? &ranges->at[ranges->count - 1] : NULL;

	if (last && last->action == what.action && !last->uses && !last->subs && !what.uses && !what.subs)
		return;
	what.from = from;
	ranges->at[ranges->count++] = what;
}

static void add_action(struct ranges *ranges, uint32_t from, uint32_t action)
{
	add_range(ranges, from, (struct filter_range){.action = action});
}

/*
 * Adds the ranges of one ABI after those with lower numbers. A program that tries a call newer than the profile must see
 * ENOSYS, as from an older kernel: programs can work without such a call, but fail if it is forbidden.
 */
static void add_abi(struct ranges *ranges, struct mem *mem, const struct filter_profile *profile,
		    struct filter_use **uses, const struct call_abi *calls)
{
	struct abi abi = {.profile = profile, .calls = calls, .uses = uses};
	const uint32_t otherwise = profile->action;
	const bool other_errno =
		(otherwise & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && otherwise != (SECCOMP_RET_ERRNO | ENOSYS);

	abi.base = calls->arch == CALL_ARCH_X32 ? FILTER_X32_BIT : 0;
	decide_calls(&abi, mem);
	const uint32_t newest = other_errno ? newest_of(&abi) : 0;
	const uint32_t beyond = newest ? SECCOMP_RET_ERRNO | ENOSYS : otherwise;
	for (uint32_t n = 0; n < CALL_NUMBERS && (!newest || abi.base + n <= newest); n++)
		add_range(ranges, abi.base + n, decision(&abi, n));
	add_action(ranges, newest ? newest + 1 : abi.base + CALL_NUMBERS, beyond);
	if (calls->arch != AUDIT_ARCH_ARM)
		return;
	for (uint32_t n = 0; n < CALL_SLOTS - CALL_NUMBERS; n++)
		add_range(ranges, CALL_ARM_PRIVATE + n, decision(&abi, CALL_NUMBERS + n));
	add_action(ranges, CALL_ARM_PRIVATE + CALL_SLOTS - CALL_NUMBERS, otherwise);
}

void filter_code_abi(struct filter_code *code, struct mem *mem, const struct filter_profile *profile, uint64_t keep,
		     size_t abi)
{
	struct ranges ranges;
	struct filter_use **uses = filter_uses(mem, profile, keep, abi != 0);
	const bool x86_64 = call_abis[abi].arch == AUDIT_ARCH_X86_64;

	ranges.count = 0;
	add_abi(&ranges, mem, profile, uses, &call_abis[abi]);
	if (x86_64 && profile->abis[CALL_ABI_X32]) {
		add_abi(&ranges, mem, profile, uses, &call_abis[CALL_ABI_X32]);
	} else if (x86_64) {
		add_action(&ranges, FILTER_X32_BIT, SECCOMP_RET_KILL_PROCESS);
		/* A tracer that skips a call sets its number to -1: ptrace(2), seccomp(2). */
		add_action(&ranges, UINT32_MAX, profile->action);
	}
	filter_code_ranges(code, ranges.at, ranges.count);
}

bool filter_compile(struct filter *filter, struct filter_profile *profile, struct problems *problems,
		    const struct node *node, const struct filter_target *target)
{
	struct filter_profile own;
	struct filter_code code;
	const char *denied;

	if (!profile)
		profile = &own;
	code.count = 0;
	memset(filter, 0, sizeof(*filter));
	if (!filter_profile_read(profile, problems, node, target))
		return false;
	for (size_t i = 0; i < call_nabis; i++) {
		if (!profile->abis[i] || call_abis[i].arch == CALL_ARCH_X32)
			continue;
		const size_t skip = filter_code_arch(&code, call_abis[i].arch);
		if (i == 0)
			filter_code_canary(&code);
		filter_code_abi(&code, &problems->mem, profile, target->keep, i);
		filter_code_skip_end(&code, skip);
	}
	if (!filter_code_end(&code, filter, &problems->mem))
		return yaml_problem(problems, node, "too large: the kernel takes %d instructions", BPF_MAXINSNS);
	filter->flags = profile->flags;
	const char *why = filter_unusable(&problems->mem, filter, &denied);
	if (!why)
		return true;
	for (const struct filter_rule *rule = profile->changes; rule; rule = rule->next)
		if (rule->action != SECCOMP_RET_ALLOW && strcmp(rule->node->text, denied) == 0)
			node = rule->node;
	return yaml_problem(problems, node, "nothing could run under this profile: %s", why);
}

void filter_unknown(struct mem *mem, const struct node *profile, const struct filter_target *target, struct list *lines)
{
	struct problems scratch = {0};
	struct filter_profile read;

	if (filter_profile_read(&read, &scratch, profile, target))
		for (const struct filter_rule *rule = read.rules; rule != read.changes; rule = rule->next)
			for (const struct node *n = NULL; (n = yaml_item(rule->names, n));)
				if (call_find(n->text) < 0)
					list_format(mem, lines, "%s:%u:%u: unknown system call \"%s\": it stays denied",
						    n->file, n->line, n->column, n->text);
	mem_release(&scratch.mem);
}
