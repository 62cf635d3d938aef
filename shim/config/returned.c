/*
 * A walk judges a directory by its present owner (walk/ground.h). In one that a config makes root's, uses and returns to
 * another user, that user can move root's own links and directories to other names before the next start, which would trust
 * them. Nothing that a run remembers prevents that: a start that fails returns nothing. So it is an error of the config.
 */
#include <limits.h>
#include <string.h>

#include "base/glob.h"
#include "base/path.h"
#include "config/config.h"
#include "config/parts.h"
#include "steps/common/change.h"
#include "steps/common/mode.h"
#include "steps/verb.h"

/*
 * Who but root can change a directory, as far as the steps say: the write bits of its group and of all others, and this one
 * where another user owns it.
 */
#define OWNED 010000U

/* Does a step of this kind change the owner and the mode of directories that exist? */
static bool changes_directory(const struct step *step)
{
	const struct verb *verb = step->skipped ? NULL : step->verb;

	return verb && (verb->owner_is_workload || verb->changes_modes || strcmp(verb->name, "mkdir") == 0);
}

static bool has_mode(const struct step *step)
{
	return step->mode_written || change_has_mode(step);
}

/* May it leave them owned by root alone? */
static bool may_close(const struct step *step)
{
	return changes_directory(step) &&
	       (step->owner.uid == 0 || (step->owner.uid == ACCOUNTS_NO_ID && has_mode(step)));
}

/* Is a component of the path REST excluded? */
static bool is_excluded(const struct step *step, const char *rest)
{
	char name[NAME_MAX + 1];

	for (rest += strspn(rest, "/"); *rest; rest += strspn(rest, "/")) {
		const size_t length = strcspn(rest, "/"), kept = length < NAME_MAX ? length : NAME_MAX;
		memcpy(name, rest, kept);
		name[kept] = '\0';
		if (glob_any(&step->exclude, name))
			return true;
		rest += length;
	}
	return false;
}

/* The number of the path by which STEP changes DIRECTORY, or that of all its paths. */
static size_t covers(const struct step *step, const char *directory)
{
	size_t i = 0;

	for (; i < step->items.count; i++) {
		const char *rest = path_below(directory, step->items.items[i]);
		if (rest && (*rest ? step->recursive && !is_excluded(step, rest) : !step->contents_only))
			break;
	}
	return i;
}

/* What STEP makes of the access to DIRECTORY. */
static mode_t settled(const struct step *step, const char *directory, mode_t access)
{
	const struct mode_change *mode = step->dir_mode.set ? &step->dir_mode : &step->change;

	if (!changes_directory(step) || covers(step, directory) == step->items.count)
		return access;
	mode_t bits = access;
	if (step->mode_written)
		bits = step->mode;
	else if (mode->set)
		bits = mode_apply(mode, access, true);
	if (step->owner.uid != ACCOUNTS_NO_ID)
		access = step->owner.uid ? OWNED : 0;
	return (bits & 022) | (access & OWNED);
}

/* Is a path in TEXT, such as unix:///PATH or lowerdir=/PATH:/PATH, below DIRECTORY, or DIRECTORY itself if that counts as WHOLE? */
static bool names(const char *text, const char *directory, bool whole)
{
	for (; text && (text = strchr(text, '/')); text = strpbrk(text, ":,=")) {
		const char *rest = path_below_until(text, directory, "/:,=");
		if (rest && (whole || !strchr(":,=", *rest)))
			return true;
	}
	return false;
}

static bool names_any(const struct list *texts, size_t from, size_t to, const char *directory, bool whole)
{
	while (from < to && !names(texts->items[from], directory, whole))
		from++;
	return from < to;
}

bool config_conditions_run(const struct condition *condition, const char *directory, bool as_root)
{
	for (; condition; condition = condition->next) {
		const struct step *program = condition->program;
		if (program && program->items.count && !(as_root && program->user.want.uid) &&
		    names(program->items.items[0], directory, as_root))
			return true;
		for (const struct condition_choice *choice = condition->choices; choice; choice = choice->next)
			if (config_conditions_run(choice->conditions, directory, as_root))
				return true;
	}
	return false;
}

/*
 * Does STEP act on what lies below DIRECTORY, read it, or run it, by the first COUNT of its paths? What it hands to a program
 * is the program's affair.
 */
static bool uses(const struct step *step, size_t count, const char *directory)
{
	if (step->skipped || !step->verb)
		return false;
	if ((step->verb->value == VERB_ARGV || step->program) && count)
		count = 1;
	/* Of what is copied, shown or run as a whole all that lies in it is used. */
	const bool whole = step->to || strcmp(step->verb->name, "run_dir") == 0;
	return names_any(&step->items, 0, count, directory, whole) ||
	       names_any(&step->mount_options, 0, step->mount_options.count, directory, true) ||
	       names(step->to, directory, true) || names(step->source, directory, true) ||
	       names(step->working_dir, directory, false) ||
	       config_conditions_run(step->conditions, directory, false) ||
	       (step->group && config_conditions_run(step->group->conditions, directory, false));
}

/*
 * Does LAST return DIRECTORY to others, after steps before it have made it root's and used it? So do paths of the same step
 * that come after it, if they get a mode, and those of LAST that come before it.
 */
static bool is_returned(struct plan *plan, const struct node *node, const char *directory, const struct step *last)
{
	const struct step *first = NULL, *used = NULL;
	mode_t access = settled(last, directory, 0);

	if (!access)
		return false;
	for (const struct step *step = plan->steps; step < last; step++) {
		const mode_t before = access;
		access = settled(step, directory, access);
		/* A condition may not be met, and a step may fail. */
		if (access && !before && (step->conditions || step->group || step->as || step->on_error))
			access = 0;
		if (access) {
			first = used = NULL;
		} else if (before) {
			first = step;
			if (has_mode(step) &&
			    names_any(&step->items, covers(step, directory), step->items.count, directory, false))
				used = step;
		} else if (!used && uses(step, step->items.count, directory)) {
			used = step;
		}
	}
	if (first && !used && uses(last, covers(last, directory), directory))
		used = last;
	return used &&
	       !value_problem(
		       plan, node,
		       "\"%s\" is owned by root from line %u on, and open to others again from here on: line %u would "
		       "trust what they move there between two starts. Open it before that, or leave out one of the two changes",
		       directory, first->line, used->line);
}

void config_returned(struct plan *plan, const struct node *node)
{
	const struct step *last = &plan->steps[plan->nsteps - 1];

	if (!changes_directory(last))
		return;
	/* A directory that LAST names, or one below that a step before it may have made root's, or used something in. */
	for (const struct step *step = last->recursive ? plan->steps : last; step <= last; step++)
		for (size_t i = 0; i < step->items.count; i++) {
			const char *path = step->items.items[i], *end = strrchr(path, '/');
			if ((step == last || may_close(step)) && is_returned(plan, node, path, last))
				return;
			/* Otherwise what LAST names itself is returned. */
			if (step != last && last->contents_only && end && end != path &&
			    is_returned(plan, node, mem_copy(plan->mem, path, (size_t)(end - path)), last))
				return;
		}
}
