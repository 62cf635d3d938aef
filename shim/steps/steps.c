#include "steps.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <linux/capability.h>

#include "../walk.h"
#include "run.h"

#define PROGRESS_SECONDS 5

static long long milliseconds_since(const struct timespec *then)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)(now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* What a step is about, for the trace: its first path or program. The value of a sysctl stays out. */
static const char *subject(struct setup *setup)
{
	const struct step *step = setup->step;

	if (!step)
		return "passwd, group";
	if (!step->items.count)
		return "";
	const char *first = step->items.items[0];
	return step->verb->value == VERB_MAP ? mem_copy(&setup->mem, first, strcspn(first, "=")) : first;
}

static const char *subject_verb(const struct setup *setup)
{
	return setup->step ? setup->step->verb->name : "accounts";
}

void setup_failed_for(struct setup *setup, const char *verb, const char *object, int err, const char *reason)
{
	enum plan_on_error on_error = setup->step ? setup->step->on_error : ON_ERROR_FAIL;
	bool tried = setup->plan->try_setup && (err == EPERM || err == EACCES || err == EROFS);

	if (on_error == ON_ERROR_FAIL && !tried)
		diag_die(DIAG_SYSTEM, "cannot %s \"%s\": %s", verb, object, reason);
	/* One line for the step; setup_end() counts the others. */
	if (setup->failures++ == 0 && on_error != ON_ERROR_IGNORE)
		diag_say("warning: cannot %s \"%s\": %s", verb, object, reason);
}

/* The link at PATH or on the way to it that leads nowhere: what makes mkdir(2) say EEXIST of what is not there. */
static const char *dangling(struct mem *mem, const char *path)
{
	for (const char *end = path; *end;) {
		end += 1 + strcspn(end + 1, "/");
		const char *part = mem_copy(mem, path, (size_t)(end - path));
		if (readlink(part, (char[1]){0}, 1) >= 0 && access(part, F_OK) != 0 && errno == ENOENT)
			return part;
	}
	return NULL;
}

void setup_failed(struct setup *setup, const char *verb, const char *object, int err, int cap)
{
	const char *link = err == EEXIST ? dangling(&setup->mem, object) : NULL;
	char why[512];

	if (link)
		snprintf(why, sizeof(why), "\"%s\" is a symbolic link to something that does not exist", link);
	else
		diag_why(why, sizeof(why), err, cap);
	setup_failed_for(setup, verb, object, err, why);
}

void setup_refused(struct setup *setup, const char *verb, const char *object, const char *format, ...)
{
	char reason[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	setup_failed_for(setup, verb, object, 0, reason);
}

/* Why the link at WHERE was not followed on the way to PATH: as walk.c decides, in the order of its rule. */
static const char *link_refused(const char *path, const struct walk_where *where)
{
	if (where->mode == 0) /* nobody's: it was refused for being one too many */
		return "there are more than 40 on the way, or they lead in a circle";
	if (where->uid != 0 || !S_ISLNK(where->mode)) /* a link's owner, or a directory */
		return "it, or its directory, is not root's alone";
	if (strcmp(path, "/dev/stdin") == 0 || strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0)
		return "it lies on procfs (own_stdio gives the standard streams to the workload, without a step)";
	return "it lies on procfs, where none is followed";
}

void setup_unreachable(struct setup *setup, const char *verb, const char *path, int err, const struct walk_where *where)
{
	if (err == ELOOP)
		setup_refused(setup, verb, path, "the symbolic link \"%s\" is not followed: %s", where->path,
			      link_refused(path, where));
	else if (err == EPERM)
		setup_refused(setup, verb, path, "\"%s\" belongs to uid %u and has mode %04o: it must be root's alone",
			      where->path, where->uid, (unsigned int)where->mode & 07777);
	else
		setup_failed(setup, verb, path, err, CAP_DAC_OVERRIDE);
}

void setup_note(struct setup *setup, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	setup->warnings++;
	diag_say("%s \"%s\": %s", subject_verb(setup), subject(setup), text);
}

void setup_progress(struct setup *setup, const char *object)
{
	if (milliseconds_since(&setup->said) < PROGRESS_SECONDS * 1000)
		return;
	clock_gettime(CLOCK_MONOTONIC, &setup->said);
	diag_say("%s \"%s\": %llu changed, %llu already right, after %lld s, now at \"%s\"", subject_verb(setup),
		 subject(setup), (unsigned long long)setup->changed, (unsigned long long)setup->same,
		 milliseconds_since(&setup->begin) / 1000, object);
}

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
		diag_say("warning: %s \"%s\": %zu failures in all", subject_verb(setup), subject(setup),
			 setup->failures);
	if (setup->plan->trace) {
		long long ms = milliseconds_since(&setup->begin);
		const char *at = step ? mem_format(&setup->mem, "%s:%u: ", setup->plan->file, step->line) : "";
		if (acted)
			diag_say("trace: %s%s \"%s\": %llu changed, %llu already right, %lld.%03lld s", at,
				 subject_verb(setup), subject(setup), (unsigned long long)setup->changed,
				 (unsigned long long)setup->same, ms / 1000, ms % 1000);
		else
			diag_say("trace: %s%s \"%s\": skipped, its conditions do not hold", at, subject_verb(setup),
				 subject(setup));
	}
	mem_release(&setup->mem);
}

static void setup_step(const struct plan *plan, const struct step *step)
{
	struct setup setup;

	setup_begin(&setup, plan, step);
	bool acts = !step->skipped && setup_conditions(&setup, step->conditions);
	if (acts)
		step->verb->act(&setup, step);
	setup_end(&setup, acts);
}

/*
 * As subreaper (prctl(2)) capshim inherits what a program of a step leaves behind, also where it is not PID 1: that
 * is how run.c finds it. Returns what was set before.
 */
static int become_subreaper(int on)
{
	int was = 0;

	if (prctl(PR_GET_CHILD_SUBREAPER, &was, 0, 0, 0) != 0 || prctl(PR_SET_CHILD_SUBREAPER, on, 0, 0, 0) != 0)
		diag_cannot("set", "PR_SET_CHILD_SUBREAPER", errno, DIAG_NO_CAP);
	return was;
}

void setup_run(const struct plan *plan)
{
	if (!plan->run_setup || plan->nwishes + plan->nsteps == 0)
		return;
	run_signals_take(&plan->start);
	int was = become_subreaper(1);
	if (plan->nwishes) {
		struct setup setup;
		setup_begin(&setup, plan, NULL);
		setup_accounts(&setup);
		setup_end(&setup, true);
	}
	for (size_t i = 0; i < plan->nsteps; i++)
		setup_step(plan, &plan->steps[i]);
	(void)become_subreaper(was);
	run_signals_restore(&plan->start);
}
