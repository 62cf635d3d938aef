#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/signals.h"
#include "config/config.h"
#include "init/init.h"
#include "privilege/drop.h"
#include "privilege/identity.h"
#include "privilege/verify.h"
#include "steps/steps.h"
#include "workload/workload.h"

/* What is tried takes the place of cap_add, and cap_add_optional is none. Of the plan that is being read. */
static uint64_t chosen;

void __real_value_capabilities(struct plan *plan, const struct node *node, void *to);
void __wrap_value_capabilities(struct plan *plan, const struct node *node, void *to);

/* The linker (--wrap) puts this in the place of the function that reads a list of capabilities. */
void __wrap_value_capabilities(struct plan *plan, const struct node *node, void *to)
{
	__real_value_capabilities(plan, node, to);
	if (to == &plan->workload.keep)
		*(uint64_t *)to = chosen;
	else if (node->key && strcmp(node->key->text, "cap_add_optional") == 0)
		*(uint64_t *)to = 0;
}

static void read_plan(struct plan *plan, const struct run_context *context, enum plan_mode mode, uint64_t keep)
{
	const struct args *args = &context->options->shim;

	plan->options = args->options;
	plan->workload.keep = chosen = keep; /* for a config without cap_add */
	config_read(plan, mode, args->config, args->command, context->envp);
}

bool workload_plan(struct plan *plan, const struct run_context *context, uint64_t keep)
{
	start_read(&plan->start, &plan->problems.mem);
	read_plan(plan, context, PLAN_EXPLAIN, keep);
	return plan->problems.count == plan->problems.pending;
}

static void take_filter(struct plan *plan, const struct trial *run)
{
	struct filter_target target;

	if (run->filter == RUN_CONFIG)
		return;
	plan->filter = (struct filter){0};
	if (run->filter == RUN_UNCONFINED)
		return;
	plan->filter_changes = (struct filter_changes){0};
	target = config_filter_target(plan);
	const struct node *tree = yaml_read(&plan->problems, "the profile", run->profile, strlen(run->profile));
	if (tree && !filter_compile(&plan->filter, NULL, &plan->problems, tree, &target))
		config_must_hold(plan);
}

static void take_streams(const struct trial *run)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(run->output, STDOUT_FILENO) < 0 ||
	    dup2(run->output, STDERR_FILENO) < 0)
		diag_cannot("open", "the streams of the workload", errno, DIAG_NO_CAP);
}

void workload_run(const struct run_context *context, const struct trial *run, bool *reached, const int *gate)
{
	static struct plan plan;
	char byte;

	/* The end of file instead: nobody is there any more to observe, and to end, what would begin here. */
	close(gate[1]);
	if (read(gate[0], &byte, 1) != 1)
		_exit(DIAG_SYSTEM);
	take_streams(run);
	signals_mask(context->blocked);

	/* As main() of capshim: decide, */
	signals_block(&plan.start.blocked);
	workload_stdio_open();
	start_read(&plan.start, &plan.problems.mem);
	identity_begin(&plan.start);
	read_plan(&plan, context, PLAN_RUN, run->keep);
	take_filter(&plan, run);
	config_must_hold(&plan);
	if (plan.command != COMMAND_RUN)
		diag_die(DIAG_USER, "the config runs no workload: there is nothing to learn");

	/* act, */
	setup_run(&plan);
	workload_prepare(&plan);
	const struct init_peer init = init_fork(&plan, context->argv, context->envp);
	workload_limit(&plan);

	/* give up, prove, become. */
	drop_privileges(&plan.workload, &plan.start);
	verify_privileges(&plan.workload);
	init_meet(&plan, init);
	*reached = true;
	prctl(OBSERVE_MARK, 0, 0, 0, 0);
	workload_become(&plan);
}
