/*
 * The table of contents: decide, act, give up, prove, become. The order matters more than anything else here; see
 * "The order of operations" in doc/how-it-works.md for what each line needs.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "args.h"
#include "base/signals.h"
#include "config/config.h"
#include "explain/explain.h"
#include "init/init.h"
#include "privilege/drop.h"
#include "privilege/identity.h"
#include "privilege/verify.h"
#include "steps/steps.h"
#include "workload/workload.h"

/* Everything except a run: prints, or checks, and acts on nothing. */
static _Noreturn void report(struct plan *plan, const struct args *args, char **envp)
{
	/* From here on a signal may end the process at any time: without a core, which another process of uid 0 could read. */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	signals_restore(&plan->start);
	switch (args->action) {
	case ARGS_CHECK:
		config_read(plan, PLAN_CHECK, args->config, args->command, envp);
		exit(explain_check(plan));
	case ARGS_EXPLAIN:
		config_read(plan, PLAN_EXPLAIN, args->config, args->command, envp);
		exit(explain_plan(plan, args->json));
	case ARGS_EXPLAIN_SYSCALL:
		config_read(plan, PLAN_EXPLAIN, args->config, args->command, envp);
		exit(explain_syscall(plan, args->in));
	case ARGS_VERIFY:
		config_read(plan, PLAN_VERIFY, args->config, args->command, envp);
		exit(compare_processes(plan, args->in, args->json));
	case ARGS_INSPECT:
		exit(inspect(args->in, args->json));
	case ARGS_COMPILE_SECCOMP:
		exit(config_compile_seccomp(plan, args->config_named ? args->config : NULL, args->in, args->out));
	default:
		exit(args_print(args->action));
	}
}

int main(int argc, char **argv, char **envp)
{
	static struct plan plan; /* too large for the stack, and zero at the start */
	struct args args;

	/* decide: every fault of the config is found here */
	signals_block(&plan.start.blocked);
	workload_stdio_open();
	start_read(&plan.start, &plan.problems.mem);
	identity_begin(&plan.start);
	args_read(&args, &plan.start, &plan.problems.mem, argc, argv);
	plan.options = args.options;
	plan.file_named = args.config_named;
	if (args.action != ARGS_RUN && args.action != ARGS_AS_WORKLOAD)
		report(&plan, &args, envp);
	config_read(&plan, args.action == ARGS_RUN ? PLAN_RUN : PLAN_AS_WORKLOAD, args.config, args.command, envp);
	config_must_hold(&plan);
	compare_with_workload(&plan);

	/* act: as root */
	setup_run(&plan);
	if (plan.command == COMMAND_NONE) /* there is only the setup */
		_exit(0);
	workload_prepare(&plan);
	if (plan.command == COMMAND_PAUSE) { /* keeps the pod alive */
		workload_limit(&plan);
		init_pause(&plan, argv, envp);
	}
	/* with an init: drops the bounding set, while there is one process, and forks */
	const struct init_peer init = init_fork(&plan, argv, envp);
	workload_limit(&plan);

	/* give up, prove, become */
	drop_privileges(&plan.workload, &plan.start);
	verify_privileges(&plan.workload);
	init_meet(&plan, init);
	workload_become(&plan);
}
