/*
 * What must hold of the steps of an accepted plan.
 */
#include <string.h>
#include <sys/un.h>

#include <linux/capability.h>

#include "fuzz.h"
#include "plan.h"
#include "steps/step.h"
#include "steps/verb.h"
#include "world.h"

/* An absolute path without "." and ".." components; PLAIN: without empty ones as well. */
static void check_path(const char *path, bool plain)
{
	FUZZ_HOLDS(path && path[0] == '/');
	for (const char *at = path + 1; *at; at += strcspn(at, "/"), at += *at == '/') {
		size_t length = strcspn(at, "/");
		FUZZ_HOLDS(!plain || length > 0);
		FUZZ_HOLDS(!(length == 1 && at[0] == '.') && !(length == 2 && strncmp(at, "..", 2) == 0));
	}
	FUZZ_HOLDS(!plain || strcmp(path, "/") == 0 || path[strlen(path) - 1] != '/');
}

static void check_change(const struct mode_change *change)
{
	FUZZ_HOLDS((change->bits & ~(mode_t)07777) == 0);
	for (size_t i = 0; change->set && i < change->nclauses; i++) {
		const struct mode_clause *clause = &change->clauses[i];
		FUZZ_HOLDS(clause->who && (clause->who & ~(mode_t)07777) == 0 && (clause->bits & ~clause->who) == 0);
		FUZZ_HOLDS(strchr("+-=", clause->operation) && clause->operation);
	}
}

/* A key that sysctl_check() took leads below /proc/sys, however it is written. */
static void check_sysctl(const char *item)
{
	const char *equals = strchr(item, '=');
	char part[256];
	size_t length = 0;

	FUZZ_HOLDS(equals && equals > item && equals[1]);
	/* The first of the two separates, as in sysctl(8); the other one stands for it inside of a name. */
	const size_t first = strcspn(item, "./");
	const char separator = item + first < equals ? item[first] : '/';
	for (const char *at = item; at <= equals; at++) {
		if (at < equals && *at != separator) {
			FUZZ_HOLDS(length < sizeof(part) - 1);
			part[length++] = separator == '.' && *at == '/' ? '.' : *at;
			continue;
		}
		part[length] = '\0';
		/* One at the beginning would be as if it were not there. */
		FUZZ_HOLDS(length > 0);
		FUZZ_HOLDS(strcmp(part, ".") != 0 && strcmp(part, "..") != 0 && !strchr(part, '/'));
		length = 0;
	}
}

static void check_target(const char *target)
{
	const char *colon = strrchr(target, ':');

	if (strncmp(target, "tcp://", 6) == 0) {
		size_t digits = strspn(colon + 1, "0123456789");
		FUZZ_HOLDS(colon > target + 6 && digits >= 1 && digits <= 5 && !colon[1 + digits]);
	} else if (strncmp(target, "unix://", 7) == 0) {
		FUZZ_HOLDS(target[7] == '/' && strlen(target + 7) < sizeof(((struct sockaddr_un *)0)->sun_path));
	} else {
		FUZZ_HOLDS(target[0] == '/');
	}
}

static bool holds_option(const struct list *options, const char *name)
{
	const size_t length = strlen(name);

	for (size_t i = 0; i < options->count; i++)
		for (const char *at = options->items[i]; *at; at += strcspn(at, ","), at += *at == ',')
			if (strcspn(at, ",") == length && strncmp(at, name, length) == 0)
				return true;
	return false;
}

static void check_items(const struct step *step, const char *verb)
{
	const struct list *items = &step->items;

	FUZZ_HOLDS(items->count > 0);
	for (size_t i = 0; i < items->count; i++) {
		if (step->verb->value == VERB_PATHS)
			check_path(items->items[i], true);
		else if (strcmp(verb, "sysctl") == 0)
			check_sysctl(items->items[i]);
		else if (strcmp(verb, "wait_for") == 0 && !step->program)
			check_target(items->items[i]);
	}
	if (step->verb->value == VERB_ARGV)
		FUZZ_HOLDS(items->items[0][0]);
	/* What would take the whole file system along. */
	if (step->recursive || strcmp(verb, "remove") == 0)
		for (size_t i = 0; i < items->count && strcmp(verb, "copy") != 0; i++)
			FUZZ_HOLDS(strcmp(items->items[i], "/") != 0);
}

static void check_verb(const struct step *step, const char *verb)
{
	if (strcmp(verb, "write") == 0)
		FUZZ_HOLDS(step->content);
	if (strcmp(verb, "copy") == 0 || strcmp(verb, "template") == 0)
		check_path(step->to, false);
	if (strcmp(verb, "copy") == 0)
		FUZZ_HOLDS(step->if_exists != IF_EXISTS_APPEND_MISSING);
	if (strcmp(verb, "symlink") == 0)
		FUZZ_HOLDS(step->target);
	if (strcmp(verb, "chmod") == 0)
		FUZZ_HOLDS(step->change.set || step->file_mode.set || step->dir_mode.set);
	if (strcmp(verb, "mknod") == 0)
		FUZZ_HOLDS(step->type && strchr("cbp", step->type[0]) && strlen(step->type) == 1 &&
			   step->major <= 4095 && step->minor <= 1048575);
	if (strcmp(verb, "mkdir") == 0)
		FUZZ_HOLDS(!step->as || !step->owner_written);
	if (strcmp(verb, "mount") == 0) {
		bool bind = holds_option(&step->mount_options, "bind") || holds_option(&step->mount_options, "rbind") ||
			    (step->type && strcmp(step->type, "bind") == 0);
		FUZZ_HOLDS(step->type || bind);
		FUZZ_HOLDS(!bind || !step->type || strcmp(step->type, "bind") == 0);
		FUZZ_HOLDS(!bind || (step->source && step->source[0] == '/'));
	}
}

static void check_conditions(const struct condition *conditions)
{
	for (const struct condition *c = conditions; c; c = c->next) {
		if (c->kind == WHEN_SUCCEEDS)
			FUZZ_HOLDS(c->program->items.count > 0 && c->program->items.items[0][0]);
		else if (c->kind == WHEN_CAP)
			FUZZ_HOLDS(__builtin_popcountll(c->capability) == 1 && c->capability >> CAP_LAST_CAP <= 1);
		else if (c->kind != WHEN_ANY)
			check_path(c->path, true);
		for (const struct condition_choice *one = c->choices; one; one = one->next)
			check_conditions(one->conditions);
	}
}

static void check_step(const struct plan *plan, const struct step *step)
{
	bool codes = false;

	FUZZ_HOLDS(step->verb && (step->verb->act || step->verb->act_on) && step->line);
	if (step->skipped)
		return;
	check_conditions(step->conditions);
	check_items(step, step->verb->name);
	check_verb(step, step->verb->name);
	check_change(&step->change);
	check_change(&step->file_mode);
	check_change(&step->dir_mode);
	FUZZ_HOLDS((step->mode & ~(mode_t)07777) == 0);
	FUZZ_HOLDS(step->timeout <= 999999U * 3600U);
	if (step->working_dir)
		check_path(step->working_dir, true);
	if (!step->verb->runs)
		return;
	for (size_t i = 0; i < sizeof(step->ok_exit_codes); i++)
		codes = codes || step->ok_exit_codes[i];
	FUZZ_HOLDS(step->environment.count > 0);
	FUZZ_HOLDS(!step->user.narrowed || step->user.want.keep == (step->user.want.keep & plan->start.bounding));
	FUZZ_HOLDS(step->user.want.uid != ACCOUNTS_NO_ID && step->user.want.gid != ACCOUNTS_NO_ID);
}

void world_check_steps(const struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++)
		check_step(plan, &plan->steps[i]);
}
