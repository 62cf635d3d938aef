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

const char *learn_names(struct mem *mem, uint64_t set)
{
	const struct list names = capability_names(mem, set, false);

	return list_join(mem, &names, ", ");
}

static const char *with(struct mem *mem, uint64_t keep)
{
	return keep ? mem_format(mem, "with %s", learn_names(mem, keep)) : "with no capability";
}

/* What is tried, and, for somebody who waits, how long it may take. */
static void say_begin(const struct learned *to, const struct trial *run, const char *what)
{
	dprintf(STDERR_FILENO, "run %u%s%s: %s: ", to->runs, run->observer ? ", by " : "",
		run->observer ? run->observer->name : "", what);
	if (isatty(STDERR_FILENO))
		dprintf(STDERR_FILENO, "(at most %u s) ", (run->limit_ms + 999) / 1000);
}

static void say_end(struct learned *to, const struct trial *run)
{
	const uint64_t found = run->seen.denied & ~run->keep;

	dprintf(STDERR_FILENO, "%s after %u.%u s%s%s\n",
		run->interrupted ? "interrupted"
		: run->passed    ? "passes"
				 : "fails",
		run->ms / 1000, run->ms % 1000 / 100, found ? "; denied: " : "", learn_names(&to->mem, found));
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

	/* The first of each that is known, and one that failed before one that did not. */
	for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++)
		if ((seen->denied | (seen->asked & ~to->asked)) & CAPABILITY_BIT(cap) && !to->denial[cap].error)
			to->denial[cap] = seen->denial[cap];
	to->asked |= seen->denied | seen->asked;
	for (size_t i = 0; i < OBSERVE_CALLS / 64; i++)
		to->calls[i] |= seen->calls[i];
	to->foreign |= seen->foreign;
	to->changed |= seen->changed;
	to->lost += seen->lost;
	if (run->observer)
		to->count = seen->count;
}

static const char *how_it_ended(struct mem *mem, const struct trial *run)
{
	if (!run->ended)
		return "was still running";
	return WIFEXITED(run->status) ? mem_format(mem, "had ended with status %d", WEXITSTATUS(run->status))
				      : mem_format(mem, "had been ended by signal %d", WTERMSIG(run->status));
}

/* Runs once, after --reset where it is not the first time; shows the outputs where LAST and it fails. */
static bool try(struct learned *to, const struct run_context *context, struct trial *run, const char *what, bool last)
{
	const char *reset = context->options->reset;

	if (reset && to->runs && run_command(context, reset) != 0)
		diag_die(DIAG_USER, "the command of --reset fails: %s", reset);
	to->runs++;
	say_begin(to, run, what);
	run_once(context, run);
	to->ms += run->ms;
	to->interrupted |= run->interrupted;
	say_end(to, run);
	must_reach(run);
	remember(to, run);
	if (last && !run->passed && !run->interrupted) {
		dprintf(STDERR_FILENO, "the workload %s, and has printed:\n", how_it_ended(&to->mem, run));
		run_show(run->output, LAST_LINES);
		if (context->options->check)
			dprintf(STDERR_FILENO, "the last check has printed:\n");
		run_show(run->check_output, LAST_LINES);
		if (!context->options->check && !run->ended)
			dprintf(STDERR_FILENO,
				"without --check it must end by itself: a server needs --check COMMAND\n");
		if (run->check_killed)
			dprintf(STDERR_FILENO,
				"a check was killed after %d s: only with --ready may it take longer, and is run once then\n",
				RUN_CHECK_MS / 1000);
	}
	close(run->output);
	close(run->check_output);
	return run->passed && !run->interrupted;
}

/* Where the observer has lost something of RUN, the next one takes its place. False: RUN says all that is asked. */
static bool lost_some(struct learned *to, const struct run_context *context, const struct trial *run)
{
	struct mem mem = {NULL};

	if (!run->seen.lost || run->interrupted || to->observer == &observer_ptrace)
		return false;
	const char *why = observer_ptrace.unusable(&mem);
	if (!why) {
		dprintf(STDERR_FILENO, "%s has lost %llu records of this run: the next one by %s\n", to->observer->name,
			(unsigned long long)run->seen.lost, observer_ptrace.name);
		to->observer = &observer_ptrace;
	}
	mem_release(&mem);
	return !why && (!run->passed || context->options->profile);
}

/* The runs after RUN, which has passed. */
static void limit_runs(struct learned *to, const struct run_context *context, const struct trial *run)
{
	to->limit_ms = run->ms * 3 + MORE_MS;
	if (to->limit_ms > context->options->timeout_ms)
		to->limit_ms = context->options->timeout_ms;
}

/* Adds what was denied, until the check passes. False: it did not, and nothing is left to be added. */
static bool discover(struct learned *to, const struct run_context *context)
{
	for (;;) {
		struct trial run = {.keep = to->keep,
				    .filter = RUN_UNCONFINED,
				    .observer = to->observer,
				    .limit_ms = context->options->timeout_ms};
		to->rounds++;
		to->back_end = to->observer->name;
		const bool passed = try(to, context, &run, with(&to->mem, to->keep), false);
		if (lost_some(to, context, &run)) {
			to->keep |= run.seen.denied & to->available;
			continue;
		}
		if (passed) {
			limit_runs(to, context, &run);
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

/*
 * Takes away COUNT capabilities at once. What the check does not miss goes; of what it misses each half is tried, so that
 * a few among many take few runs.
 */
static void take_away(struct learned *to, const struct run_context *context, const unsigned int *caps, size_t count)
{
	uint64_t set = 0;

	for (size_t i = 0; i < count; i++)
		set |= CAPABILITY_BIT(caps[i]);
	set &= to->keep;
	if (!set || to->interrupted)
		return;
	struct trial run = {.keep = to->keep & ~set,
			    .filter = to->filtered ? RUN_CONFIG : RUN_UNCONFINED,
			    .limit_ms = to->limit_ms};
	const char *what =
		run.keep ? mem_format(&to->mem, "without %s", learn_names(&to->mem, set)) : with(&to->mem, 0);
	if (try(to, context, &run, what, false)) {
		to->keep = run.keep;
	} else if (set & (set - 1)) {
		take_away(to, context, caps, count / 2);
		take_away(to, context, caps + count / 2, count - count / 2);
	}
}

/* A few candidates are taken away one by one: most of them are missed. */
static void minimise(struct learned *to, const struct run_context *context)
{
	unsigned int caps[OBSERVE_CAPS];
	const size_t count = order(caps);

	if (to->guessed)
		take_away(to, context, caps, count);
	for (size_t i = 0; !to->guessed && i < count; i++)
		take_away(to, context, caps + i, 1);
}

/* With what was found, unobserved, and under the config's filter, or without where that is what the check misses. */
static bool prove(struct learned *to, const struct run_context *context)
{
	struct trial run = {.keep = to->keep, .filter = RUN_CONFIG, .limit_ms = to->limit_ms};
	struct trial open = {.keep = to->keep, .filter = RUN_UNCONFINED, .limit_ms = to->limit_ms};
	const char *what = to->guessed ? "the same" : with(&to->mem, to->keep);

	what = mem_format(&to->mem, "%s, not observed, under the filter of the config", what);
	to->filtered = try(to, context, &run, what, true);
	if (to->filtered || to->interrupted)
		return to->filtered;
	return try(to, context, &open, "the same, without a filter", true);
}

/* What the back end saw was not enough, or disturbs the program: all that there is, unobserved. */
static bool guess(struct learned *to, const struct run_context *context)
{
	struct trial run = {.keep = to->available, .filter = RUN_UNCONFINED, .limit_ms = context->options->timeout_ms};

	if (!try(to, context, &run, "with all that this container has", true))
		return false;
	to->guessed = true;
	to->keep = to->available;
	limit_runs(to, context, &run);
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
	to->available = available;
	to->observer = choose(context);
	to->back_end = to->observer ? to->observer->name : "runs alone";
	to->passed = to->observer && discover(to, context);
	if (!to->passed && !to->interrupted)
		to->passed = guess(to, context);
	to->passed = to->passed && prove(to, context);
	if (to->passed)
		minimise(to, context);
	to->asked &= ~to->keep;
	to->changed &= !context->options->reset;
	if (to->changed || (!to->observer && !context->options->reset))
		to->uncertain = (to->guessed ? to->available : to->asked & to->available) & ~to->keep;
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

	return try(to, context, &run, "under the new profile", !observed);
}
