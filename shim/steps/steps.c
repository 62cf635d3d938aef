#include "steps/steps.h"

#include <errno.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "steps/common/abort.h"
#include "steps/common/say.h"
#include "walk/ground.h"
#include "walk/held.h"

static void setup_begin(struct setup *setup, const struct plan *plan, const struct step *step)
{
	*setup = (struct setup){.plan = plan, .step = step};
	clock_gettime(CLOCK_MONOTONIC, &setup->begin);
	setup->said = setup->begin;
}

static void setup_end(struct setup *setup, bool acted)
{
	const struct step *step = setup->step;

	if (setup->failures > 1 && step && step->on_error != ON_ERROR_IGNORE)
		diag_say("warning: %s \"%s\": %zu failures in all", setup_verb(setup), setup_subject(setup),
			 setup->failures);
	if (setup->plan->trace) {
		long long ms = setup_milliseconds(&setup->begin);
		const char *at = step ? mem_format(&setup->mem, "%s:%u: ", setup->plan->file, step->line) : "";
		const char *done = mem_format(&setup->mem, "%llu changed, %llu already right, %lld.%03lld s",
					      (unsigned long long)setup->changed, (unsigned long long)setup->same,
					      ms / 1000, ms % 1000);
		diag_say("trace: %s%s \"%s\": %s", at, setup_verb(setup), setup_subject(setup),
			 acted ? done : "skipped, its conditions do not hold");
	}
	mem_release(&setup->mem);
}

/*
 * What a step may do on foreign ground that the owner there could not do: give away, also the copy of a link in a tree, which must not
 * be root's, and make devices.
 */
static uint64_t granted(const struct step *step)
{
	bool gives = step->owner_written || step->verb->owner_is_workload || (step->to && step->recursive);

	return (gives ? CAPABILITY_BIT(CAP_CHOWN) : 0) |
	       (step->verb->needs ? step->verb->needs(step) & CAPABILITY_BIT(CAP_MKNOD) : 0);
}

static uint32_t gid_of(const void *context, uint32_t uid)
{
	const struct account *account = accounts_user_by_id(context, uid);

	return account ? account->gid : IDENTITY_NO_ID;
}

/* *WANTED: the result of the group's condition, which is evaluated with the group's first step; FIRST: this is it. */
static void setup_step(const struct plan *plan, const struct step *step, bool first, bool *wanted)
{
	struct setup setup;

	setup_begin(&setup, plan, step);
	ground_grant(granted(step));
	walk_forget_procfs();
	if (first)
		*wanted = !step->group || (!step->group->skipped && setup_conditions(&setup, step->group->conditions));
	bool acts = *wanted && !step->skipped && setup_conditions(&setup, step->conditions);
	if (acts && step->verb->act)
		step->verb->act(&setup);
	for (size_t i = 0; acts && !step->verb->act && i < step->items.count; i++)
		(void)step->verb->act_on(&setup, step->items.items[i]);
	identity_return();
	setup_end(&setup, acts);
}

/*
 * As a subreaper (prctl(2)) capshim inherits the processes that a program leaves behind, even if it is not PID 1:
 * that is how end_children() finds them. Returns what was set before.
 */
static int become_subreaper(int on)
{
	int was = 0;

	if (getpid() == 1)
		return 0;
	if (prctl(PR_GET_CHILD_SUBREAPER, &was, 0, 0, 0) != 0 || prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) != 0)
		diag_cannot("set", "PR_SET_CHILD_SUBREAPER", errno, DIAG_NO_CAP);
	return was;
}

void setup_run(const struct plan *plan)
{
	if (plan->setup_skipped && plan->nwishes + plan->steps_skipped > 0)
		diag_say("skipped the setup, which needs root: started as uid %u (accounts: %zu, steps: %zu)",
			 plan->start.euid, plan->nwishes, plan->steps_skipped);
	if (!plan->run_setup || plan->nwishes + plan->nsteps == 0)
		return;
	const struct ground_people people = {
		.workload = {.uid = plan->workload.uid,
			     .gid = plan->workload.gid,
			     .groups = plan->workload.groups,
			     .ngroups = plan->workload.ngroups,
			     .more = IDENTITY_NO_ID},
		.none = plan->no_workload,
		.group_of = gid_of,
		.context = &plan->accounts,
	};
	ground_know(&people);
	abort_take(&plan->start);
	int was = become_subreaper(1);
	if (plan->nwishes) {
		struct setup setup;
		setup_begin(&setup, plan, NULL);
		setup_accounts(&setup);
		identity_return();
		setup_end(&setup, true);
	}
	bool wanted = true;
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step_group *group = plan->steps[i].group;
		setup_step(plan, &plan->steps[i], i == 0 || !group || plan->steps[i - 1].group != group, &wanted);
	}
	identity_return();
	ground_know(NULL);
	(void)become_subreaper(was);
	abort_restore(&plan->start);
}
