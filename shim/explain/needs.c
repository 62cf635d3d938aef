#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/path.h"
#include "base/status.h"
#include "base/text.h"
#include "explain/parts.h"
#include "steps/step.h"
#include "steps/verb.h"

#define BIT(cap) CAPABILITY_BIT(cap)

static void add_reason(struct plan *plan, struct list *reasons, uint64_t set, const char *reason)
{
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (set & BIT(cap))
			list_add(plan->mem, &reasons[cap], reason);
}

/* What the drop needs, from a start as root with the groups of this process. */
static void needs_drop(struct plan *plan, struct explanation *to, const struct privileges *want, const char *whom)
{
	const struct start *start = &plan->start;
	struct mem *mem = plan->mem;
	bool same = want->ngroups == start->ngroups &&
		    (!want->ngroups || memcmp(want->groups, start->groups, want->ngroups * sizeof(*want->groups)) == 0);

	add_reason(plan, to->always, BIT(CAP_SETPCAP),
		   mem_format(mem, "%s: empties the bounding set, locks the securebits", whom));
	if (want->gid != 0 || !same)
		add_reason(plan, to->always, BIT(CAP_SETGID),
			   mem_format(mem, "%s: switches to gid %s and its groups", whom, explain_id(mem, want->gid)));
	if (want->uid != 0)
		add_reason(plan, to->always, BIT(CAP_SETUID),
			   mem_format(mem, "%s: switches to uid %s", whom, explain_id(mem, want->uid)));
	add_reason(plan, to->always, want->keep & ~plan->optional, mem_format(mem, "%s: keeps it (cap_add)", whom));
}

/* Is FILE below DIRECTORY, or (unless ABOVE_ONLY) DIRECTORY itself? */
static bool below(const char *file, const char *directory, bool above_only)
{
	const char *rest = path_below(file, directory);

	return rest && (*rest || !above_only);
}

bool explain_given(const struct plan *plan, size_t last, const char *path, bool above_only)
{
	for (size_t i = 0; i <= last && i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];
		bool given = step->owner_written || (step->verb && step->verb->owner_is_workload);
		if (step->skipped || !given || step->owner.uid == 0 || step->owner.uid == ACCOUNTS_NO_ID)
			continue;
		if (step->to && below(path, step->to, above_only))
			return true;
		for (size_t j = 0; !step->to && j < step->items.count; j++)
			if (below(path, step->items.items[j], above_only || step->contents_only))
				return true;
	}
	return false;
}

/* What a step also needs because of earlier steps: what they gave away can be changed by its owner. */
static uint64_t needs_after(const struct plan *plan, size_t number)
{
	const struct step *step = &plan->steps[number];
	const struct list target = {.items = (char *[]){(char *)step->to}, .count = 1};
	const struct list *paths = step->to ? &target : &step->items;
	/* chown and chmod open the directories that they name, and chmod acts as the owner. */
	bool below_only = !step->verb->changes_modes && !(step->verb->owner_is_workload && step->recursive);
	/* A chown gives away what belonged to root before. */
	size_t before = step->verb->owner_is_workload && number > 0 ? number - 1 : number;

	if (number == 0 && step->verb->owner_is_workload)
		return 0;
	for (size_t i = 0; step->verb->may_need & BIT(CAP_SETUID) && i < paths->count; i++)
		if (explain_given(plan, before, paths->items[i], below_only))
			return MAY_ACT;
	return 0;
}

/* The programs of `succeeds`. */
static void needs_conditions(struct plan *plan, struct explanation *to, const struct condition *conditions,
			     const char *name)
{
	for (const struct condition *c = conditions; c; c = c->next) {
		if (c->program && c->program->user.narrowed)
			needs_drop(plan, to, &c->program->user.want, name);
		for (const struct condition_choice *choice = c->choices; choice; choice = choice->next)
			needs_conditions(plan, to, choice->conditions, name);
	}
}

static void needs_step(struct plan *plan, struct explanation *to, size_t number)
{
	const struct step *step = &plan->steps[number];
	struct mem *mem = plan->mem;
	const char *name = mem_format(mem, "line %u: %s", step->line, step->verb->name);
	uint64_t always = (step->verb->needs ? step->verb->needs(step) : 0) | needs_after(plan, number);

	if (step->user.narrowed)
		needs_drop(plan, to, &step->user.want, name);
	needs_conditions(plan, to, step->conditions, name);
	if (step->group)
		needs_conditions(plan, to, step->group->conditions, name);
	if (step->as)
		needs_drop(plan, to,
			   &(struct privileges){.uid = plan->workload.uid,
						.gid = plan->workload.gid,
						.groups = plan->workload.groups,
						.ngroups = plan->workload.ngroups},
			   name);
	if (step->items.count && !step->verb->runs)
		name = mem_format(mem, "%s %.*s", name, (int)strcspn(step->items.items[0], "="), step->items.items[0]);
	add_reason(plan, to->always, always, name);
	/* CHOWN: what exists may belong to another user, and the step says who must own it. */
	uint64_t takes = step->owner_written ? BIT(CAP_CHOWN) : 0;
	add_reason(plan, to->maybe, step->verb->may_need | takes, name);
}

/* The limits and the score of this process stand for those of the container. */
static void needs_limits(struct plan *plan, struct explanation *to)
{
	uint64_t now[2]; /* soft, hard: the C libraries name the types differently, prlimit(2) does not */

	for (int i = 0; i < PLAN_LIMITS; i++)
		if (plan->limits[i].hard_set && syscall(SYS_prlimit64, 0, i, NULL, now) == 0)
			add_reason(plan, plan->limits[i].hard > now[1] ? to->always : to->maybe, BIT(CAP_SYS_RESOURCE),
				   "ulimits: above the container's hard limit");
	const char *score = status_text(plan->mem, "/proc/self/oom_score_adj");
	const int lowest = score ? (int)text_number(score, 10, NULL) : 0;
	if (plan->oom_score_adj_set)
		add_reason(plan, plan->oom_score_adj < lowest ? to->always : to->maybe, BIT(CAP_SYS_RESOURCE),
			   "oom_score_adj: below the container's");
}

static void needs_workload(struct plan *plan, struct explanation *to)
{
	if (plan->own_stdio != STDIO_FALSE)
		add_reason(plan, plan->own_stdio == STDIO_TRUE ? to->always : to->maybe, BIT(CAP_CHOWN),
			   "own_stdio: the workload can open /dev/stdout again");
	needs_limits(plan, to);
	needs_drop(plan, to, &plan->workload, "the workload");
	add_reason(plan, to->maybe, plan->optional, "cap_add_optional");
}

void explain_needs(struct plan *plan, struct explanation *to)
{
	if (plan->imports != IMPORTS_NONE)
		add_reason(plan, to->maybe, BIT(CAP_DAC_OVERRIDE),
			   "file_environment: a file that only another user may read");
	for (size_t i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].verb && !plan->steps[i].skipped)
			needs_step(plan, to, i);
	if (plan->command != COMMAND_NONE)
		needs_workload(plan, to);
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (to->always[cap].count)
			to->maybe[cap].count = 0;
}
