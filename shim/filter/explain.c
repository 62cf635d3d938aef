#include <inttypes.h>
#include <string.h>

#include <linux/seccomp.h>

#include "base/capability.h"
#include "base/text.h"
#include "filter/parts.h"

/* What a call can get, in the words of a report. */
enum verdict { ALLOWED, BY_ARGUMENT, DENIED, VERDICTS };

struct group {
	struct mem *mem;
	const struct filter *filter;
	const char *title; /* from a comment of the default profile: "WHAT", or "WHAT: WHY" */
	const char *names[VERDICTS];
	size_t counts[VERDICTS];
	const char *denied; /* how the first denied call is denied */
	bool seen[CALL_NUMBERS];
};

static const char *action_text(struct mem *mem, uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		return "allowed";
	case SECCOMP_RET_LOG:
		return "allowed and logged";
	case SECCOMP_RET_TRACE:
		return "decided by a tracer; without one: Function not implemented";
	case SECCOMP_RET_ERRNO:
		return mem_format(mem, "denied (%s)", strerror((int)(action & SECCOMP_RET_DATA)));
	case SECCOMP_RET_TRAP:
		return "denied with a SIGSYS that can be caught";
	case SECCOMP_RET_KILL_THREAD:
		return "denied by killing the thread";
	default:
		return "denied by killing the process";
	}
}

static void group_add(struct group *group, size_t call, const char *name)
{
	const uint32_t number = (uint32_t)call_number(call_abis, call);
	struct filter_answers answer = filter_answer(group->filter, filter_native(), number);
	const int32_t lax = filter_rank(answer.laxest), allow = filter_rank(SECCOMP_RET_LOG);
	enum verdict verdict = lax < allow ? DENIED : filter_rank(answer.strictest) < allow ? BY_ARGUMENT : ALLOWED;

	if (number >= CALL_NUMBERS || group->seen[number])
		return;
	group->seen[number] = true;
	const char *before = group->names[verdict];
	group->names[verdict] = mem_format(group->mem, "%s%s%s", before ? before : "", before ? ", " : "", name);
	group->counts[verdict]++;
	if (verdict == DENIED && !group->denied)
		group->denied = action_text(group->mem, answer.laxest);
}

/* Adds the lines of GROUP, and empties it. */
static void group_end(struct group *group, struct list *lines)
{
	struct mem *mem = group->mem;
	const int title = (int)strcspn(group->title, ":");

	if (group->counts[ALLOWED])
		list_format(mem, lines, "allowed: %.*s (%zu call%s)", title, group->title, group->counts[ALLOWED],
			    group->counts[ALLOWED] == 1 ? "" : "s");
	if (group->counts[BY_ARGUMENT])
		list_format(mem, lines, "depends on arguments: %s (%s)", group->names[BY_ARGUMENT], group->title);
	if (group->counts[DENIED])
		list_format(mem, lines, "%s: %s (%s)", group->denied, group->names[DENIED], group->title);
	memset(group->names, 0, sizeof(group->names));
	memset(group->counts, 0, sizeof(group->counts));
	group->denied = NULL;
}

/* All calls of this machine that are in no group yet, by their numbers. */
static void add_all(struct group *group, bool named)
{
	for (uint32_t number = 0; number < CALL_NUMBERS; number++)
		for (size_t call = 0; call < call_count; call++)
			if (call_abis[0].slots[call] == number)
				group_add(group, call, named ? call_name(call) : "");
}

static void explain_others(struct group *group, struct list *lines)
{
	group->title = "everything else that this capshim knows by name";
	add_all(group, true);
	group_end(group, lines);
	struct filter_answers future = filter_answer(group->filter, filter_native(), CALL_NUMBERS);
	list_format(group->mem, lines, "%s: calls newer than these", action_text(group->mem, future.laxest));
	struct filter_answers foreign = filter_answer(group->filter, 0, 0);
	list_format(group->mem, lines, "%s: programs for another ABI that the profile does not name",
		    action_text(group->mem, foreign.laxest));
}

void filter_explain(struct mem *mem, const struct filter *filter, struct list *lines)
{
	const struct filter_target target = {0};
	struct problems problems = {0};
	struct filter_profile profile;
	const struct node *node = filter_default_profile(&problems);
	struct group *group = mem_alloc(mem, sizeof(*group));

	group->mem = mem;
	group->filter = filter;
	group->title = "";
	if (node && filter_profile_read(&profile, &problems, node, &target))
		for (const struct filter_rule *rule = profile.rules; rule; rule = rule->next) {
			/* A rule without a comment belongs to the one before it. */
			if (rule->comment) {
				group_end(group, lines);
				group->title = rule->comment;
			}
			for (size_t i = 0; i < rule->ncalls; i++)
				group_add(group, rule->calls[i], call_name(rule->calls[i]));
		}
	group_end(group, lines);
	explain_others(group, lines);
	mem_release(&problems.mem);
}

const char *filter_summary(struct mem *mem, const struct filter *filter)
{
	struct group *all = mem_alloc(mem, sizeof(*all));

	all->mem = mem;
	all->filter = filter;
	add_all(all, false);
	return mem_format(mem,
			  "%zu system calls allowed, %zu by their arguments, %zu denied (--explain=seccomp lists them)",
			  all->counts[ALLOWED], all->counts[BY_ARGUMENT], all->counts[DENIED]);
}

static const char *conditions_text(struct mem *mem, const struct filter_rule *rule)
{
	static const char *const operators[] = {"!=", "<", "<=", "==", ">=", ">"};
	const char *text = "";

	for (size_t i = 0; i < rule->nconditions; i++) {
		const struct filter_condition *c = &rule->conditions[i];
		const char *glue = i ? " and" : ", if";
		if (c->op == FILTER_MASKED_EQ)
			text = mem_format(mem, "%s%s (args[%u] & 0x%" PRIx64 ") == 0x%" PRIx64, text, glue, c->index,
					  c->value, c->two);
		else
			text = mem_format(mem, "%s%s args[%u] %s %" PRIu64, text, glue, c->index, operators[c->op],
					  c->value);
	}
	return text;
}

/* Why RULE does not apply here; "" if it does. */
static const char *absence_text(struct mem *mem, const struct filter_rule *rule, uint64_t keep)
{
	if (!rule->here)
		return " - not on this architecture or kernel";
	if (rule->caps & ~keep)
		return mem_format(mem, " - not without %s", capability_list(mem, rule->caps & ~keep));
	if (rule->not_caps & keep)
		return mem_format(mem, " - not with %s", capability_list(mem, rule->not_caps & keep));
	return "";
}

static void explain_rules(struct mem *mem, const struct node *node, const struct filter_target *target, size_t call,
			  bool foreign, struct list *lines)
{
	struct problems problems = {0};
	struct filter_profile profile;

	if (!filter_profile_read(&profile, &problems, node, target))
		profile.rules = NULL;
	for (const struct filter_rule *rule = profile.rules; rule; rule = rule->next)
		if (filter_rule_lists(rule, call) && filter_rule_decides(&profile, rule, call, foreign))
			list_format(mem, lines, "%s:%u: %s%s%s%s%s", rule->node->file, rule->node->line,
				    action_text(mem, rule->action), conditions_text(mem, rule),
				    absence_text(mem, rule, target->keep), rule->comment ? " - " : "",
				    rule->comment ? rule->comment : "");
	list_format(mem, lines, "%s:%u: %s, where no rule fits", node->file, node->line,
		    action_text(mem, profile.action));
	mem_release(&problems.mem);
}

/* What FILTER answers to the call NUMBER, NAME of the ABI. */
static void explain_answer(struct mem *mem, const struct filter *filter, size_t abi, const char *name, uint32_t number,
			   struct list *lines)
{
	const struct filter_answers answer = filter_answer(filter, call_abis[abi].arch, number);
	const char *lax = action_text(mem, answer.laxest);
	const char *by = abi == CALL_ABI_32BIT ? ", by 32-bit programs" : "";

	if (answer.strictest == answer.laxest)
		list_format(mem, lines, "%s%s: %s", name, by, lax);
	else
		list_format(mem, lines, "%s%s: depends on its arguments: %s, or %s", name, by, lax,
			    action_text(mem, answer.strictest));
}

bool filter_explain_call(struct mem *mem, const struct filter *filter, const struct node *profile,
			 const struct filter_target *target, const char *name, struct list *lines)
{
	/* The kernel's log shows numbers. */
	uint64_t digits;
	const int written = text_is_number(name, 10, 4, &digits) ? (int)digits : -1;
	const char *known = written >= 0 ? filter_call_name(filter_native(), (uint32_t)written) : NULL;

	name = known ? known : name;
	const int call = call_find(name), number = call < 0 ? written : call_number(call_abis, (size_t)call);
	const int narrow =
		call < 0 || call_nabis <= CALL_ABI_32BIT ? -1 : call_number(&call_abis[CALL_ABI_32BIT], (size_t)call);
	if (number >= 0)
		explain_answer(mem, filter, 0, name, (uint32_t)number, lines);
	const bool opened = !filter_kills_32bit(filter, false);
	if (narrow >= 0 && (number < 0 || opened))
		explain_answer(mem, filter, CALL_ABI_32BIT, name, (uint32_t)narrow, lines);
	if (profile && call >= 0 && (number >= 0 || (narrow >= 0 && opened))) /* no rule can name another */
		explain_rules(mem, profile, target, (size_t)call, number < 0, lines);
	return lines->count > 0;
}

/* What the built-in profile says about ITEM, which it denies or allows under a condition; NULL: nothing. */
static const char *default_comment(struct mem *mem, const struct node *item)
{
	const int call = call_find(filter_change_call(item->text));
	const char *comment = NULL, *found = NULL;
	struct problems problems = {0};
	struct filter_profile profile;
	const struct filter_target target = {0};
	const struct node *node = filter_default_profile(&problems);

	if (node && filter_profile_read(&profile, &problems, node, &target))
		for (const struct filter_rule *rule = profile.rules; rule && !found; rule = rule->next) {
			comment = rule->comment ? rule->comment : comment;
			if (call >= 0 && filter_rule_lists(rule, (size_t)call))
				found = comment;
		}
	found = found ? mem_format(mem, "%s", found) : NULL;
	mem_release(&problems.mem);
	return found;
}

void filter_explain_changes(struct mem *mem, const struct filter_changes *changes, struct list *lines)
{
	for (const struct node *item = NULL; changes->allow && (item = yaml_item(changes->allow, item));) {
		const char *why = strcmp(item->text, "32bit") == 0
					  ? "32-bit programs run, whose calls reach rarely used code of the kernel"
					  : default_comment(mem, item);
		list_format(mem, lines, "seccomp allows \"%s\"%s%s", item->text, why ? ": " : "", why ? why : "");
	}
}
