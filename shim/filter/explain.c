#include <inttypes.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include <linux/seccomp.h>

#include "base/capability.h"
#include "filter/parts.h"

#define NUMBERS 1024 /* more than any architecture has calls */

/* What a call can get, in the words of a report. */
enum verdict { ALLOWED, BY_ARGUMENT, DENIED, VERDICTS };

struct group {
	struct mem *mem;
	const struct filter *filter;
	const char *title; /* from a comment of the default profile: "WHAT", or "WHAT: WHY" */
	const char *names[VERDICTS];
	size_t counts[VERDICTS];
	const char *denied; /* how the first denied call is denied */
	bool seen[NUMBERS];
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

static void group_add(struct group *group, const char *name, uint32_t number)
{
	struct filter_answers answer = filter_answer(group->filter, seccomp_arch_native(), number);
	const int32_t lax = filter_rank(answer.laxest), allow = filter_rank(SECCOMP_RET_LOG);
	enum verdict verdict = lax < allow ? DENIED : filter_rank(answer.strictest) < allow ? BY_ARGUMENT : ALLOWED;

	if (number >= NUMBERS || group->seen[number])
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
		list_add(mem, lines,
			 mem_format(mem, "allowed: %.*s (%zu call%s)", title, group->title, group->counts[ALLOWED],
				    group->counts[ALLOWED] == 1 ? "" : "s"));
	if (group->counts[BY_ARGUMENT])
		list_add(mem, lines,
			 mem_format(mem, "depends on arguments: %s (%s)", group->names[BY_ARGUMENT], group->title));
	if (group->counts[DENIED])
		list_add(mem, lines, mem_format(mem, "%s: %s (%s)", group->denied, group->names[DENIED], group->title));
	memset(group->names, 0, sizeof(group->names));
	memset(group->counts, 0, sizeof(group->counts));
	group->denied = NULL;
}

static void explain_others(struct group *group, struct list *lines)
{
	group->title = "everything else that this capshim knows by name";
	for (uint32_t number = 0; number < NUMBERS; number++) {
		char *name = group->seen[number] ? NULL
						 : seccomp_syscall_resolve_num_arch(seccomp_arch_native(), (int)number);
		if (name)
			group_add(group, name, number);
		free(name);
	}
	group_end(group, lines);
	struct filter_answers future = filter_answer(group->filter, seccomp_arch_native(), NUMBERS);
	list_add(group->mem, lines,
		 mem_format(group->mem, "%s: calls newer than these", action_text(group->mem, future.laxest)));
	struct filter_answers foreign = filter_answer(group->filter, 0, 0);
	list_add(group->mem, lines,
		 mem_format(group->mem, "%s: programs for another ABI that the profile does not name",
			    action_text(group->mem, foreign.laxest)));
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
			for (const struct node *n = filter_rule_name(rule, NULL); n; n = filter_rule_name(rule, n)) {
				int number = seccomp_syscall_resolve_name(n->text);
				if (number >= 0)
					group_add(group, n->text, (uint32_t)number);
			}
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
	for (uint32_t number = 0; number < NUMBERS; number++) {
		char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), (int)number);
		if (name)
			group_add(all, "", number);
		free(name);
	}
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
	char list[1024];

	if (!rule->here)
		return " - not on this architecture or kernel";
	if (rule->caps & ~keep)
		return mem_format(mem, " - not without %s", capability_list(list, sizeof(list), rule->caps & ~keep));
	if (rule->not_caps & keep)
		return mem_format(mem, " - not with %s", capability_list(list, sizeof(list), rule->not_caps & keep));
	return "";
}

static void explain_rules(struct mem *mem, const struct node *node, const struct filter_target *target,
			  const char *name, struct list *lines)
{
	struct problems problems = {0};
	struct filter_profile profile;

	if (!filter_profile_read(&profile, &problems, node, target))
		profile.rules = NULL;
	for (const struct filter_rule *rule = profile.rules; rule; rule = rule->next)
		if (filter_rule_names(&profile, rule, name, false))
			list_add(mem, lines,
				 mem_format(mem, "%s:%u: %s%s%s%s%s", rule->node->file, rule->node->line,
					    action_text(mem, rule->action), conditions_text(mem, rule),
					    absence_text(mem, rule, target->keep), rule->comment ? " - " : "",
					    rule->comment ? rule->comment : ""));
	list_add(mem, lines,
		 mem_format(mem, "%s:%u: %s, where no rule fits", node->file, node->line,
			    action_text(mem, profile.action)));
	mem_release(&problems.mem);
}

bool filter_explain_call(struct mem *mem, const struct filter *filter, const struct node *profile,
			 const struct filter_target *target, const char *name, struct list *lines)
{
	/* The kernel's log shows numbers. */
	const bool digits = strspn(name, "0123456789") == strlen(name) && strlen(name) < 5;
	char *known =
		digits ? seccomp_syscall_resolve_num_arch(seccomp_arch_native(), (int)strtol(name, NULL, 10)) : NULL;

	if (known)
		name = mem_format(mem, "%s", known);
	free(known);
	const int number = seccomp_syscall_resolve_name(name);
	if (number < 0)
		return false;
	struct filter_answers answer = filter_answer(filter, seccomp_arch_native(), (uint32_t)number);
	list_add(mem, lines,
		 answer.strictest == answer.laxest
			 ? mem_format(mem, "%s: %s", name, action_text(mem, answer.laxest))
			 : mem_format(mem, "%s: depends on its arguments: %s, or %s", name,
				      action_text(mem, answer.laxest), action_text(mem, answer.strictest)));
	if (profile)
		explain_rules(mem, profile, target, name, lines);
	return true;
}

/* What the built-in profile says about ITEM, which it denies or allows under a condition; NULL: nothing. */
static const char *default_comment(struct mem *mem, const struct node *item)
{
	const char *call = filter_change_call(item->text), *comment = NULL, *found = NULL;
	struct problems problems = {0};
	struct filter_profile profile;
	const struct filter_target target = {0};
	const struct node *node = filter_default_profile(&problems);

	if (node && filter_profile_read(&profile, &problems, node, &target))
		for (const struct filter_rule *rule = profile.rules; rule && !found; rule = rule->next) {
			comment = rule->comment ? rule->comment : comment;
			if (filter_rule_lists(rule, call))
				found = comment;
		}
	found = found ? mem_format(mem, "%s", found) : NULL;
	mem_release(&problems.mem);
	return found;
}

static void explain_change(struct mem *mem, const char *what, const struct node *item, struct list *lines)
{
	const char *why = strcmp(item->text, "32bit") == 0
				  ? "32-bit programs run, whose calls reach rarely used code of the kernel"
				  : default_comment(mem, item);

	list_add(mem, lines,
		 mem_format(mem, "seccomp %s \"%s\"%s%s", what, item->text, why ? ": " : "", why ? why : ""));
}

void filter_explain_changes(struct mem *mem, const struct filter_changes *changes, struct list *lines)
{
	for (const struct node *item = NULL; changes->allow && (item = yaml_item(changes->allow, item));)
		explain_change(mem, "allows", item, lines);
}
