#include <string.h>

#include "base/path.h"
#include "config/parts.h"
#include "steps/common/mode.h"
#include "steps/common/options.h"
#include "steps/steps.h"

static void read_change(struct plan *plan, const struct node *node, struct mode_change *to)
{
	const char *text = value_text(plan, node);

	if (text && !mode_parse(plan->mem, text, to))
		value_problem(plan, node,
			      "\"%s\" must be octal and begin with 0, such as 0750, or symbolic, such as u+rwX,go-w",
			      text);
}

/* 0 is refused: some would read it as no time at all, others as no limit, and both can be written in another way. */
static void read_timeout(struct plan *plan, const struct node *node, const struct verb *verb, unsigned int *to)
{
	if (value_seconds(plan, node, to) && *to == 0)
		value_problem(plan, node, "a timeout is at least 1s: write that, or leave it out for %s",
			      verb->runs ? "none" : "the default of 60s");
}

/*
 * Adds the variables of capshim's environment that the name or glob NODE matches. A glob must start with part of a name.
 * It never passes PATH and LD_*, by which the user who sets variables would choose the code that root runs; others of
 * that kind (PYTHONPATH, BASH_ENV) are passed if the config writes a glob that matches them.
 */
static void pass_variables(struct plan *plan, const struct node *node, void *to)
{
	const char *name = value_fixed(plan, node);
	const bool glob = name && strpbrk(name, "*?[");

	if (name && !environ_name_ok(glob ? mem_copy(plan->mem, name, strcspn(name, "*?[")) : name))
		value_problem(plan, node,
			      "\"%s\" must be the name of a variable, or begin with a part of it, such as NGINX_*",
			      name);
	for (size_t i = 0; name && i < plan->env.vars.count; i++) {
		char *var = plan->env.vars.items[i];
		const bool loads = strncmp(var, "PATH=", 5) == 0 || strncmp(var, "LD_", 3) == 0;
		if (environ_name_matches(var, name) && !(glob && loads))
			environ_put(to, var);
	}
}

/* An entry replaces an earlier one of the same name, including the default PATH and variables that are passed. */
static void read_step_environment(struct plan *plan, const struct node *node, struct list *to)
{
	const struct node *pass = yaml_get(node, "pass");
	struct environment env;
	struct list pairs = {0};

	/* A single value: a variable called "pass". */
	if (pass && pass->kind != NODE_LIST)
		pass = NULL;
	if (!value_pairs(plan, node, pass, &pairs))
		return;
	environ_from(&env, plan->mem, to);
	if (pass)
		value_each(plan, pass, pass_variables, &env);
	for (size_t i = 0; i < pairs.count; i++)
		environ_put(&env, pairs.items[i]);
	*to = env.vars;
}

static void read_exit_code(struct plan *plan, const struct node *node, void *to)
{
	long long code;

	if (value_number(plan, node, 0, 255, &code))
		((unsigned char *)to)[code / 8] |= (unsigned char)(1U << (code % 8));
}

/* In the order of their types, from OPTION_TEXT on; the first two also for lists. */
static const char *(*const texts[])(struct plan *, const struct node *) = {value_text, value_fixed, value_path,
									   value_target};

_Static_assert(sizeof(enum hardlinks) == sizeof(unsigned int), "what OPTION_WORD writes");

static void read_option_value(struct plan *plan, const struct node *node, const struct step_option *option,
			      struct step *step)
{
	void *to = (char *)step + option->offset;
	long long number = 0;

	switch (option->type) {
	case OPTION_ELSEWHERE:
		break;
	case OPTION_BOOL:
		(void)value_bool(plan, node, to);
		break;
	case OPTION_MODE:
		step->mode_written = value_octal(plan, node, "0750", to);
		break;
	case OPTION_CHANGE:
		read_change(plan, node, to);
		break;
	case OPTION_OWNER:
		step->owner_written = config_owner(plan, node, to);
		break;
	case OPTION_TEXT:
	case OPTION_FIXED:
	case OPTION_PATH:
	case OPTION_TARGET:
		*(const char **)to = texts[option->type - OPTION_TEXT](plan, node);
		break;
	case OPTION_CHOICE:
		*(const char **)to = option->words[value_word(plan, node, option->words)];
		break;
	case OPTION_FIXED_WORD:
		*(unsigned int *)to = value_fixed_word(plan, node, option->words);
		break;
	case OPTION_WORD:
		*(unsigned int *)to = value_word(plan, node, option->words);
		break;
	case OPTION_TEXTS:
	case OPTION_FIXED_TEXTS:
		(void)value_list(plan, node, texts[option->type - OPTION_TEXTS], to);
		break;
	case OPTION_PAIRS:
		read_step_environment(plan, node, to);
		break;
	case OPTION_NUMBER:
		(void)value_number(plan, node, 0, option->max, &number);
		*(uint32_t *)to = (uint32_t)number;
		break;
	case OPTION_SECONDS:
		read_timeout(plan, node, step->verb, to);
		break;
	case OPTION_CODES:
		value_each(plan, node, read_exit_code, to);
		break;
	}
}

/* Options that every verb may have. */
static const struct verb any_verb = {
	OPTIONS(OPTION("when", ELSEWHERE, conditions), OPTION("unless", ELSEWHERE, conditions),
		OPTION_WITH("on_error", FIXED_WORD, on_error, WORDS("fail", "warn", "ignore"))),
};

static const struct verb *verb_named(const char *name)
{
	const struct verb *const *verb = verb_table;

	while (*verb && strcmp((*verb)->name, name) != 0)
		verb++;
	return *verb;
}

static const struct step_option *option_of(const struct verb *verb, const char *name)
{
	return named_row(name, verb->options, sizeof(*verb->options));
}

/* Is NAME an option of some verb, or of every verb? */
static bool is_option(const char *name)
{
	const struct verb *const *verb = verb_table;

	while (*verb && !option_of(*verb, name))
		verb++;
	return *verb || option_of(&any_verb, name);
}

/* The verb that is most like NAME, or with OPTION the option of any verb. */
static const char *nearest(struct plan *plan, const char *name, bool option)
{
	struct list names = {0};

	for (const struct verb *const *next = verb_table, *verb = &any_verb; verb; verb = *next++) {
		for (const struct step_option *its = verb->options; option && its->name; its++)
			list_add(plan->mem, &names, its->name);
		if (!option && verb->name)
			list_add(plan->mem, &names, verb->name);
	}
	return nearest_name(name, names.items, sizeof(*names.items));
}

/* The one verb of a step. None, two, or an unknown one is a problem. */
static const struct node *find_verb(struct plan *plan, const struct node *node)
{
	const struct node *found = NULL;
	const struct node *odd = NULL;

	for (const struct node *n = node->first; n; n = n->next) {
		if (!verb_named(n->key->text)) {
			if (!odd && !is_option(n->key->text))
				odd = n;
			continue;
		}
		if (found) {
			value_problem(plan, n->key,
				      "a step has one verb, and this one has \"%s\" and \"%s\": begin "
				      "another step with \"- %s:\"",
				      found->key->text, n->key->text, n->key->text);
			return NULL;
		}
		found = n;
	}
	if (!found && odd)
		value_unknown(plan, odd->key, "step", nearest(plan, odd->key->text, false));
	else if (!found)
		value_problem(plan, node, "a step needs a verb, such as \"mkdir: /path\"");
	return found;
}

static void read_option(struct plan *plan, const struct verb *verb, const struct node *node, struct step *step)
{
	const char *name = node->key->text;
	const struct step_option *common = option_of(&any_verb, name), *own = option_of(verb, name);

	if (common || (own && !step->skipped))
		read_option_value(plan, node, common ? common : own, step);
	else if (!own && is_option(name))
		value_problem(plan, node->key, "\"%s\" has no option \"%s\": see capshim.yaml(5) for those that it has",
			      verb->name, name);
	else if (!own)
		value_unknown(plan, node->key, "option", nearest(plan, name, true));
}

static void required_options(struct plan *plan, const struct node *node, const struct verb *verb)
{
	for (const struct step_option *option = verb->options; option->name; option++)
		if (option->required && !yaml_get(node, option->name))
			value_problem(plan, node, "\"%s\" needs \"%s:\"", verb->name, option->name);
}

static void read_value(struct plan *plan, const struct verb *verb, const struct node *node, struct step *step)
{
	switch (verb->value) {
	case VERB_PATHS:
		if (node->kind == NODE_MAP) {
			value_problem(
				plan, node,
				"must be the path itself: write \"%s: /path\", and its options as keys beside \"%s\"",
				verb->name, verb->name);
			break;
		}
		(void)value_list(plan, node, value_path, &step->items);
		break;
	case VERB_TARGETS:
		if (node->kind == NODE_MAP) {
			step->program = config_program(plan, node);
			step->items = step->program->items;
			step->user = step->program->user;
		} else {
			(void)value_list(plan, node, value_text, &step->items);
		}
		break;
	case VERB_ARGV:
		(void)value_program(plan, node, &step->items);
		break;
	case VERB_MAP:
		if (!value_is_map(plan, node, " of keys to values"))
			break;
		for (const struct node *n = node->first; n; n = n->next)
			if (environ_has_reference(n->key->text))
				value_unknown(plan, n->key, "key", NULL);
		(void)value_pairs(plan, node, NULL, &step->items);
		break;
	}
	if (node->kind != NODE_SCALAR && node->count == 0)
		value_problem(plan, node, "\"%s\" needs at least one entry: write it, or leave the step out",
			      verb->name);
}

bool config_owner_workload(struct plan *plan, const struct node *node, struct owner *to)
{
	*to = (struct owner){plan->workload.uid, plan->workload.gid};
	return !plan->no_workload ||
	       value_problem(plan, node, "there is no workload to own it: write its \"user\", or the ids as \"owner\"");
}

static void defaults(struct plan *plan, const struct node *node, const struct verb *verb, struct step *step)
{
	step->verb = verb;
	step->mode = verb->mode;
	step->owner = (struct owner){ACCOUNTS_NO_ID, ACCOUNTS_NO_ID};
	if (verb->owner_is_workload && !yaml_get(node, "owner"))
		(void)config_owner_workload(plan, node, &step->owner);
	if (verb->runs)
		list_add(plan->mem, &step->environment, "PATH=" PATH_DEFAULT);
}

/* GROUP: NULL, or the group that the step is in. */
static void read_step(struct plan *plan, const struct node *node, void *group)
{
	struct step *step = &plan->steps[plan->nsteps++];

	*step = (struct step){.line = node->line, .group = group};
	if (node->kind != NODE_MAP) {
		value_problem(plan, node, "a step must be a mapping such as \"mkdir: /path\"");
		return;
	}
	const struct node *value = find_verb(plan, node);
	const struct verb *verb = value ? verb_named(value->key->text) : NULL;
	if (!verb)
		return;
	size_t before = plan->problems.count;
	defaults(plan, node, verb, step);
	step->skipped = !config_when(plan, node, &step->conditions) || (step->group && step->group->skipped);
	required_options(plan, node, verb);
	for (const struct node *n = node->first; n; n = n->next)
		if (n != value)
			read_option(plan, verb, n, step);
	if (step->skipped)
		return;
	read_value(plan, verb, value, step);
	if (verb->runs) {
		config_step_user(plan, node, &step->user);
		if (!yaml_get(node, "ok_exit_codes"))
			step->ok_exit_codes[0] = 1;
	}
	if (verb->check && plan->problems.count == before)
		verb->check(step, &plan->problems, node);
	config_returned(plan, node);
}

/* - {when: .., steps: [..]} */
static void read_step_group(struct plan *plan, const struct node *node)
{
	const struct node *steps = yaml_get(node, "steps");
	struct step_group *group = mem_alloc(plan->mem, sizeof(*group));

	(void)value_keys(plan, node, NAMES("when", "unless", "steps"));
	group->skipped = !config_when(plan, node, &group->conditions);
	if (steps->kind != NODE_LIST || steps->count == 0)
		value_problem(plan, steps, "must be a list of steps");
	for (const struct node *step = steps->first; steps->kind == NODE_LIST && step; step = step->next)
		read_step(plan, step, group);
}

static bool is_group(const struct node *node)
{
	return node->kind == NODE_MAP && yaml_get(node, "steps");
}

static void read_step_or_group(struct plan *plan, const struct node *node, void *)
{
	if (is_group(node))
		read_step_group(plan, node);
	else
		read_step(plan, node, NULL);
}

size_t config_count_steps(const struct node *setup)
{
	size_t count = 0;

	for (const struct node *n = NULL; (n = yaml_item(setup, n));)
		count += is_group(n) ? yaml_get(n, "steps")->count : 1;
	return count;
}

void config_steps(struct plan *plan, const struct node *node, void *root)
{
	if (!plan->run_setup && plan->mode < PLAN_CHECK)
		return;
	plan->steps = mem_array(plan->mem, config_count_steps(node), sizeof(*plan->steps));
	value_each(plan, node, read_step_or_group, root);
	for (size_t i = 0; i < plan->nsteps; i++)
		plan->steps[i].skipped |= !plan->run_setup;
}
