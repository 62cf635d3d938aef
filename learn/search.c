#include "search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "explain/explain.h"

#define LAST_LINES 10 /* of what a program has printed, where a run ends the search */
#define MORE_MS 2000  /* a run may take three times as long as one that passed, and this */

static void say_run(const struct learned *to, const struct trial *run, const char *what)
{
	char list[1024], news[1024];
	const uint64_t found = run->seen.denied & ~run->keep;

	dprintf(STDERR_FILENO, "run %u%s%s: %s%s: %s after %u.%u s%s%s\n", to->runs, run->observer ? ", by " : "",
		run->observer ? run->observer->name : "", what, capability_list(list, sizeof(list), run->keep),
		run->interrupted ? "interrupted"
		: run->passed    ? "passes"
				 : "fails",
		run->ms / 1000, run->ms % 1000 / 100, found ? "; denied: " : "",
		found ? capability_list(news, sizeof(news), found) : "");
}

/* The run did not come to the workload: what it has said is why, and its status is ours. */
static void must_reach(const struct trial *run)
{
	if (run->reached || run->interrupted)
		return;
	run_show(run->output, LAST_LINES);
	if (!run->ended)
		diag_die(DIAG_SYSTEM, "the setup did not end within %u s: raise --timeout", run->limit_ms / 1000);
	exit(WIFEXITED(run->status) && WEXITSTATUS(run->status) ? WEXITSTATUS(run->status) : DIAG_SYSTEM);
}

static void remember(struct learned *to, const struct trial *run)
{
	const struct observation *seen = &run->seen;

	for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++)
		if (((seen->denied | seen->asked) & ~to->asked) & CAPABILITY_BIT(cap))
			to->denial[cap] = seen->denial[cap];
	to->asked |= seen->denied | seen->asked;
	for (size_t i = 0; i < OBSERVE_CALLS / 64; i++)
		to->calls[i] |= seen->calls[i];
	to->foreign |= seen->foreign;
	to->lost += seen->lost;
	if (run->observer)
		to->count = seen->count;
}

/* Runs once, after --reset where it is not the first time; shows the outputs where LAST and it fails. */
static bool try(struct learned *to, const struct run_context *context, struct trial *run, const char *what, bool last)
{
	const char *reset = context->options->reset;

	if (reset && to->runs && run_command(context, reset) != 0)
		diag_die(DIAG_USER, "the command of --reset fails: %s", reset);
	to->runs++;
	run_once(context, run);
	to->ms += run->ms;
	to->interrupted |= run->interrupted;
	say_run(to, run, what);
	must_reach(run);
	remember(to, run);
	if (last && !run->passed && !run->interrupted) {
		dprintf(STDERR_FILENO, "the workload has printed:\n");
		run_show(run->output, LAST_LINES);
		if (context->options->check)
			dprintf(STDERR_FILENO, "the last check has printed:\n");
		run_show(run->check_output, LAST_LINES);
	}
	close(run->output);
	close(run->check_output);
	return run->passed && !run->interrupted;
}

/* Where the observer has lost something of RUN, the next one takes its place. False: RUN says all that is asked. */
static bool lost_some(const struct trial *run, const struct run_context *context, const struct observer **observer)
{
	struct mem mem = {NULL};

	if (!run->seen.lost || run->interrupted || *observer == &observer_ptrace)
		return false;
	const char *why = observer_ptrace.unusable(&mem);
	if (!why) {
		dprintf(STDERR_FILENO, "%s has lost %llu records of this run: the next one by %s\n", (*observer)->name,
			(unsigned long long)run->seen.lost, observer_ptrace.name);
		*observer = &observer_ptrace;
	}
	mem_release(&mem);
	return !why && (!run->passed || context->options->profile);
}

/* Adds what was denied, until the check passes. False: it did not, and nothing is left to be added. */
static bool discover(struct learned *to, const struct run_context *context, const struct observer *observer,
		     unsigned int *limit_ms)
{
	for (;;) {
		struct trial run = {.keep = to->keep,
				    .filter = RUN_UNCONFINED,
				    .observer = observer,
				    .limit_ms = context->options->timeout_ms};
		to->rounds++;
		to->observer = observer;
		to->back_end = observer->name;
		const bool passed = try(to, context, &run, "cap_add ", false);
		if (lost_some(&run, context, &observer)) {
			to->keep |= run.seen.denied & to->available;
			continue;
		}
		if (passed) {
			*limit_ms = run.ms * 3 + MORE_MS;
			return true;
		}
		if (to->interrupted || !(run.seen.denied & to->available & ~to->keep))
			return false;
		to->keep |= run.seen.denied & to->available;
	}
}

/* SYS_ADMIN stands for most others; then what is as good as root, in which DAC_OVERRIDE comes before DAC_READ_SEARCH. */
static size_t order(unsigned int *caps)
{
	size_t count = 0;
	bool root;

	caps[count++] = CAP_SYS_ADMIN;
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++) {
			(void)explain_gain(cap, &root);
			if (cap != CAP_SYS_ADMIN && root == (pass == 0))
				caps[count++] = cap;
		}
	}
	return count;
}

/* Takes each one away: what the check does not miss goes. */
static void minimise(struct learned *to, const struct run_context *context, unsigned int limit_ms)
{
	unsigned int caps[OBSERVE_CAPS];
	const size_t count = order(caps);
	char what[64], name[32];

	for (size_t i = 0; i < count && !to->interrupted; i++) {
		struct trial run = {.keep = to->keep & ~CAPABILITY_BIT(caps[i]),
				    .filter = to->filtered ? RUN_CONFIG : RUN_UNCONFINED,
				    .limit_ms = limit_ms};
		if (run.keep == to->keep)
			continue;
		snprintf(what, sizeof(what), "without %s: cap_add ", capability_name(name, sizeof(name), caps[i]));
		if (try(to, context, &run, what, false))
			to->keep = run.keep;
	}
}

/* With what was found, unobserved, and under the config's filter, or without where that is what the check misses. */
static bool prove(struct learned *to, const struct run_context *context, unsigned int limit_ms)
{
	struct trial run = {.keep = to->keep, .filter = RUN_CONFIG, .limit_ms = limit_ms};
	struct trial open = {.keep = to->keep, .filter = RUN_UNCONFINED, .limit_ms = limit_ms};

	to->filtered = try(to, context, &run, "as configured: cap_add ", true);
	return to->filtered || (!to->interrupted && try(to, context, &open, "seccomp: unconfined, cap_add ", true));
}

/* What the back end saw was not enough, or disturbs the program: all that there is, unobserved. */
static bool guess(struct learned *to, const struct run_context *context, unsigned int *limit_ms)
{
	struct trial run = {.keep = to->available, .filter = RUN_UNCONFINED, .limit_ms = context->options->timeout_ms};

	if (!try(to, context, &run, "all that the container has: ", true))
		return false;
	to->guessed = true;
	to->keep = to->available;
	*limit_ms = run.ms * 3 + MORE_MS;
	return true;
}

static const struct observer *choose(const struct run_context *context)
{
	static const struct observer *const observers[] = {&observer_perf, &observer_ptrace};
	const char *wanted = context->options->back_end;
	struct mem mem = {NULL};

	if (wanted && strcmp(wanted, "alone") == 0)
		return NULL;
	for (size_t i = 0; i < sizeof(observers) / sizeof(*observers); i++) {
		if (wanted && strcmp(wanted, observers[i]->name) != 0)
			continue;
		const char *why = observers[i]->unusable(&mem);
		if (!why)
			return observers[i];
		if (wanted)
			diag_die(DIAG_SYSTEM, "cannot observe by %s: %s", wanted, why);
		dprintf(STDERR_FILENO, "not by %s: %s\n", observers[i]->name, why);
	}
	return NULL;
}

void learn_search(struct learned *to, const struct run_context *context, uint64_t available)
{
	const struct observer *observer = choose(context);
	unsigned int limit_ms = context->options->timeout_ms;

	to->available = available;
	to->back_end = observer ? observer->name : "runs alone";
	to->passed = observer && discover(to, context, observer, &limit_ms);
	if (!to->passed && !to->interrupted)
		to->passed = guess(to, context, &limit_ms);
	if (limit_ms > context->options->timeout_ms)
		limit_ms = context->options->timeout_ms;
	to->passed = to->passed && prove(to, context, limit_ms);
	if (to->passed)
		minimise(to, context, limit_ms);
	to->asked &= ~to->keep;
	to->passed = to->passed && !to->interrupted;
}

bool learn_under_profile(struct learned *to, const struct run_context *context, const char *text, bool observed)
{
	struct trial run = {.keep = to->keep,
			    .filter = RUN_PROFILE,
			    .profile = text,
			    /* What a filter refuses comes to no tracepoint, but to a tracer: syscall_trace_enter(). */
			    .observer = observed ? &observer_ptrace : NULL,
			    .limit_ms = context->options->timeout_ms};

	return try(to, context, &run, "under the profile: cap_add ", !observed);
}
