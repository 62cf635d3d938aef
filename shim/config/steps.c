#include <string.h>

#include "base/nearest.h"
#include "config/parts.h"
#include "steps/common/mode.h"
#include "steps/steps.h"

#define SAFE_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static void read_mode(struct plan *plan, const struct node *node, void *to)
{
	struct step *step = to;

	step->mode_written = value_octal(plan, node, &step->mode);
}

static void read_change(struct plan *plan, const struct node *node, struct mode_change *to)
{
	const char *text = value_text(plan, node);

	if (text && !mode_parse(&plan->problems.mem, text, to))
		yaml_problem(&plan->problems, node,
			     "\"%s\" must be octal and begin with 0, such as 0750, or symbolic, such "
			     "as u+rwX,go-w",
			     text);
}

static void read_mode_change(struct plan *plan, const struct node *node, void *to)
{
	read_change(plan, node, &((struct step *)to)->change);
}

static void read_file_mode(struct plan *plan, const struct node *node, void *to)
{
	read_change(plan, node, &((struct step *)to)->file_mode);
}

static void read_dir_mode(struct plan *plan, const struct node *node, void *to)
{
	read_change(plan, node, &((struct step *)to)->dir_mode);
}

static void read_owner(struct plan *plan, const struct node *node, void *to)
{
	struct step *step = to;

	step->owner_written = config_owner(plan, node, &step->owner);
}

static void read_as(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"workload", NULL};

	((struct step *)to)->as_workload = value_word(plan, node, words) == 0;
}

#define BOOL_READER(member)                                                             \
	static void read_##member(struct plan *plan, const struct node *node, void *to) \
	{                                                                               \
		(void)value_bool(plan, node, &((struct step *)to)->member);             \
	}
BOOL_READER(recursive)
BOOL_READER(cross_mounts)
BOOL_READER(only_if_exists)
BOOL_READER(only_if_empty)
BOOL_READER(force)
BOOL_READER(nonempty)
BOOL_READER(bare)

#define TEXT_READER(member, value)                                                      \
	static void read_##member(struct plan *plan, const struct node *node, void *to) \
	{                                                                               \
		((struct step *)to)->member = value(plan, node);                        \
	}
TEXT_READER(content, value_text)
TEXT_READER(to, value_target)
TEXT_READER(target, value_text)
TEXT_READER(suffix, value_text)
TEXT_READER(source, value_fixed)
TEXT_READER(type, value_fixed)
TEXT_READER(input, value_text)
TEXT_READER(working_dir, value_path)
TEXT_READER(match, value_text)

#define LIST_READER(member, value)                                                      \
	static void read_##member(struct plan *plan, const struct node *node, void *to) \
	{                                                                               \
		(void)value_list(plan, node, value, &((struct step *)to)->member);      \
	}
LIST_READER(exclude, value_text)
LIST_READER(variables, value_text)
LIST_READER(mount_options, value_fixed)

static void read_policy(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"always", "on_root_mismatch", NULL};

	((struct step *)to)->change_policy =
		value_word(plan, node, words) == 1 ? CHANGE_ON_ROOT_MISMATCH : CHANGE_ALWAYS;
}

static void read_hardlinks(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"skip", "refuse", "follow", NULL};

	/* It widens what a step may change: written out, like every choice of privilege. */
	if (!value_fixed(plan, node))
		return;
	int word = value_word(plan, node, words);
	((struct step *)to)->hardlinks = word > 0 ? (enum hardlinks)word : HARDLINKS_SKIP;
}

static void read_if_exists(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"replace", "keep", "append_missing", NULL};
	int word = value_word(plan, node, words);

	((struct step *)to)->if_exists = word > 0 ? (enum if_exists)word : IF_EXISTS_REPLACE;
}

static void read_device(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"c", "b", "p", NULL};
	int word = value_word(plan, node, words);

	((struct step *)to)->type = word >= 0 ? words[word] : "p";
}

static void read_major(struct plan *plan, const struct node *node, void *to)
{
	long long number = 0;

	(void)value_number(plan, node, 0, 4095, &number);
	((struct step *)to)->major = (uint32_t)number;
}

static void read_minor(struct plan *plan, const struct node *node, void *to)
{
	long long number = 0;

	(void)value_number(plan, node, 0, 1048575, &number);
	((struct step *)to)->minor = (uint32_t)number;
}

/* 0 would be no time at all to one reader and no limit to the next: who means either can say it. */
static void read_timeout(struct plan *plan, const struct node *node, void *to)
{
	struct step *step = to;

	if (value_seconds(plan, node, &step->timeout) && step->timeout == 0)
		yaml_problem(&plan->problems, node, "a timeout is at least 1s: write that, or leave it out for %s",
			     step->verb->options & OPTION_RUN ? "none" : "the default of 60s");
}

/* An entry replaces one of the same name, the default PATH among them. */
static void read_step_environment(struct plan *plan, const struct node *node, void *to)
{
	struct step *step = to;
	struct environment env;
	struct list pairs = {0};

	if (!value_pairs(plan, node, &pairs))
		return;
	environ_from(&env, &plan->problems.mem, &step->environment);
	for (size_t i = 0; i < pairs.count; i++) {
		const char *equals = strchr(pairs.items[i], '=');
		environ_set(&env, mem_copy(env.mem, pairs.items[i], (size_t)(equals - pairs.items[i])), equals + 1);
	}
	step->environment = env.vars;
}

static void read_exit_code(struct plan *plan, const struct node *node, void *to)
{
	long long code;

	if (value_number(plan, node, 0, 255, &code))
		((struct step *)to)->ok_exit_codes[code / 8] |= (unsigned char)(1U << (code % 8));
}

static void read_exit_codes(struct plan *plan, const struct node *node, void *to)
{
	value_each(plan, node, read_exit_code, to);
}

/* What may stand beside a verb. A name that means two things stands twice, once for each option bit. */
static const struct option_row {
	const char *name;
	uint32_t option; /* 0: every verb has it, and it is read elsewhere */
	void (*read)(struct plan *plan, const struct node *node, void *to);
} option_table[] = {
	{"when", 0, NULL},
	{"unless", 0, NULL},
	{"on_error", 0, NULL},
	{"mode", OPTION_MODE, read_mode},
	{"mode", OPTION_MODE_CHANGE, read_mode_change},
	{"file_mode", OPTION_FILE_MODE, read_file_mode},
	{"dir_mode", OPTION_FILE_MODE, read_dir_mode},
	{"owner", OPTION_OWNER, read_owner},
	{"as", OPTION_AS, read_as},
	{"recursive", OPTION_RECURSIVE, read_recursive},
	{"change_policy", OPTION_CHANGE_POLICY, read_policy},
	{"exclude", OPTION_EXCLUDE, read_exclude},
	{"hardlinks", OPTION_HARDLINKS, read_hardlinks},
	{"cross_mounts", OPTION_CROSS_MOUNTS, read_cross_mounts},
	{"if_exists", OPTION_ONLY_IF_EXISTS, read_only_if_exists},
	{"if_exists", OPTION_IF_EXISTS, read_if_exists},
	{"content", OPTION_CONTENT, read_content},
	{"to", OPTION_TO, read_to},
	{"only_if_empty", OPTION_ONLY_IF_EMPTY, read_only_if_empty},
	{"target", OPTION_TARGET, read_target},
	{"force", OPTION_FORCE, read_force},
	{"variables", OPTION_TEMPLATE, read_variables},
	{"suffix", OPTION_TEMPLATE, read_suffix},
	{"bare", OPTION_TEMPLATE, read_bare},
	{"type", OPTION_MOUNT, read_type},
	{"source", OPTION_MOUNT, read_source},
	{"options", OPTION_MOUNT, read_mount_options},
	{"type", OPTION_DEVICE, read_device},
	{"major", OPTION_DEVICE, read_major},
	{"minor", OPTION_DEVICE, read_minor},
	{"timeout", OPTION_TIMEOUT, read_timeout},
	{"nonempty", OPTION_NONEMPTY, read_nonempty},
	{"user", OPTION_RUN, NULL},
	{"cap_add", OPTION_RUN, NULL},
	{"environment", OPTION_RUN, read_step_environment},
	{"stdin", OPTION_RUN, read_input},
	{"ok_exit_codes", OPTION_RUN, read_exit_codes},
	{"working_dir", OPTION_RUN, read_working_dir},
	{"match", OPTION_MATCH, read_match},
	{NULL, 0, NULL},
};

static const struct verb *verb_named(const char *name)
{
	for (const struct verb *verb = verb_table; verb->name; verb++)
		if (strcmp(verb->name, name) == 0)
			return verb;
	return NULL;
}

static const struct option_row *option_of(const struct verb *verb, const char *name, bool *exists)
{
	for (const struct option_row *row = option_table; row->name; row++) {
		if (strcmp(row->name, name) != 0)
			continue;
		*exists = true;
		if (!row->option || row->option & verb->options)
			return row;
	}
	return NULL;
}

/* The one verb of a step: none, two, or an unknown one are problems. */
static const struct node *find_verb(struct plan *plan, const struct node *node)
{
	const struct node *found = NULL;
	const struct node *odd = NULL;
	bool exists = false;
	static const struct verb all_options = {.options = UINT32_MAX};

	for (const struct node *n = node->first; n; n = n->next) {
		if (!verb_named(n->key->text)) {
			if (!odd && !option_of(&all_options, n->key->text, &exists))
				odd = n;
			continue;
		}
		if (found) {
			yaml_problem(&plan->problems, n->key,
				     "a step has one verb, and this one has \"%s\" and \"%s\": begin "
				     "another step with \"- %s:\"",
				     found->key->text, n->key->text, n->key->text);
			return NULL;
		}
		found = n;
	}
	if (!found && odd)
		value_unknown(plan, odd->key, "step", nearest_name(odd->key->text, verb_table, sizeof(*verb_table)));
	else if (!found)
		yaml_problem(&plan->problems, node, "a step needs a verb, such as \"mkdir: /path\"");
	return found;
}

static void read_option(struct plan *plan, const struct verb *verb, const struct node *node, struct step *step)
{
	bool exists = false;
	const struct option_row *row = option_of(verb, node->key->text, &exists);

	if (!row && exists)
		yaml_problem(&plan->problems, node->key,
			     "\"%s\" has no option \"%s\": see capshim.yaml(5) for those that it "
			     "has",
			     verb->name, node->key->text);
	else if (!row)
		value_unknown(plan, node->key, "option",
			      nearest_name(node->key->text, option_table, sizeof(*option_table)));
	else if (row->read && !step->skipped)
		row->read(plan, node, step);
}

static void required_options(struct plan *plan, const struct node *node, const struct verb *verb)
{
	for (const struct option_row *row = option_table; row->name; row++)
		if (row->option & verb->required && !yaml_get(node, row->name))
			yaml_problem(&plan->problems, node, "\"%s\" needs \"%s:\"", verb->name, row->name);
}

static void read_value(struct plan *plan, const struct verb *verb, const struct node *node, struct step *step)
{
	switch (verb->value) {
	case VERB_PATHS:
		(void)value_list(plan, node, value_path, &step->items);
		break;
	case VERB_TARGETS:
		(void)value_list(plan, node, value_text, &step->items);
		break;
	case VERB_ARGV:
		(void)value_program(plan, node, &step->items);
		break;
	case VERB_MAP:
		if (node->kind != NODE_MAP) {
			yaml_problem(&plan->problems, node, "must be a mapping of keys to values");
			break;
		}
		for (const struct node *n = node->first; n; n = n->next)
			if (environ_has_reference(n->key->text))
				value_unknown(plan, n->key, "key", NULL);
		(void)value_pairs(plan, node, &step->items);
		break;
	}
	if (node->kind != NODE_SCALAR && node->count == 0)
		yaml_problem(&plan->problems, node, "\"%s\" needs at least one entry: write it, or leave the step out",
			     verb->name);
}

static void defaults(struct plan *plan, const struct verb *verb, struct step *step)
{
	step->verb = verb;
	step->mode = verb->mode;
	/* chown is for the workload; what a step makes is root's. */
	if (verb->act == step_chown)
		step->owner = (struct owner){plan->workload.uid, plan->workload.gid};
	if (verb->options & OPTION_RUN)
		list_add(&plan->problems.mem, &step->environment, SAFE_PATH);
}

static void read_on_error(struct plan *plan, const struct node *node, struct step *step)
{
	static const char *const words[] = {"fail", "warn", "ignore", NULL};
	/* Whoever sets a variable must not choose whether a failure counts. */
	const char *text = node ? value_fixed(plan, node) : NULL;
	int word = text ? value_word(plan, node, words) : -1;

	step->on_error = word > 0 ? (enum plan_on_error)word : ON_ERROR_FAIL;
}

static void read_step(struct plan *plan, const struct node *node, void *to)
{
	struct step *step = &plan->steps[plan->nsteps++];

	(void)to;
	*step = (struct step){.line = node->line, .column = node->column};
	if (node->kind != NODE_MAP) {
		yaml_problem(&plan->problems, node, "a step must be a mapping such as \"mkdir: /path\"");
		return;
	}
	const struct node *value = find_verb(plan, node);
	const struct verb *verb = value ? verb_named(value->key->text) : NULL;
	if (!verb)
		return;
	size_t before = plan->problems.count;
	defaults(plan, verb, step);
	step->skipped = !config_when(plan, node, &step->conditions);
	required_options(plan, node, verb);
	for (const struct node *n = node->first; n; n = n->next)
		if (n != value)
			read_option(plan, verb, n, step);
	read_on_error(plan, yaml_get(node, "on_error"), step);
	if (step->skipped)
		return;
	read_value(plan, verb, value, step);
	if (verb->options & OPTION_RUN) {
		(void)config_step_user(plan, yaml_get(node, "user"), yaml_get(node, "cap_add"), &step->user);
		if (!yaml_get(node, "ok_exit_codes"))
			step->ok_exit_codes[0] = 1;
	}
	if (verb->check && plan->problems.count == before)
		verb->check(step, &plan->problems, node);
}

void config_steps(struct plan *plan, const struct node *node)
{
	plan->steps = mem_array(&plan->problems.mem, node->count + 1, sizeof(*plan->steps));
	value_each(plan, node, read_step, NULL);
}
