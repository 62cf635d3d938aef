#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "capability.h"
#include "glob.h"
#include "plan_parts.h"

const char *plan_command_name(const struct plan *plan)
{
	if (plan->argv.count == 0)
		return "";
	const char *slash = strrchr(plan->argv.items[0], '/');
	return slash ? slash + 1 : plan->argv.items[0];
}

/* Conditions that the environment and the command decide: now, once. */

static bool env_holds(const struct plan *plan, const char *text)
{
	const char *equals = strchr(text, '=');

	if (!equals) {
		const char *value = environ_get(&plan->env, text);
		return value && *value;
	}
	for (size_t i = 0; i < plan->env.vars.count; i++)
		if (strcmp(plan->env.vars.items[i], text) == 0)
			return true;
	return false;
}

static bool env_true_holds(const struct plan *plan, const char *text)
{
	static const char *const yes[] = {"1", "true", "yes", "on"};
	const char *value = environ_get(&plan->env, text);

	for (size_t i = 0; value && i < sizeof(yes) / sizeof(*yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return true;
	return false;
}

static bool command_holds(const struct plan *plan, const char *text)
{
	return glob_match(text, plan_command_name(plan));
}

/* What a condition may be; HOLDS is NULL where it is asked when the step's turn has come. */
static const struct condition_row {
	const char *name;
	bool (*holds)(const struct plan *plan, const char *text);
	enum condition_kind kind;
} condition_table[] = {
	{"env", env_holds, 0},         {"env_true", env_true_holds, 0},   {"command", command_holds, 0},
	{"exists", NULL, WHEN_EXISTS}, {"empty", NULL, WHEN_EMPTY},       {"mountpoint", NULL, WHEN_MOUNTPOINT},
	{"cap", NULL, WHEN_CAP},       {"succeeds", NULL, WHEN_SUCCEEDS}, {NULL, NULL, 0},
};

/* Puts a condition behind those that LAST ends, so that they are asked in the order written. */
static struct condition *new_condition(struct plan *plan, const struct condition_row *row, bool negate,
				       struct condition **conditions)
{
	struct condition *condition = mem_alloc(&plan->problems.mem, sizeof(*condition));

	while (*conditions)
		conditions = &(*conditions)->next;
	condition->kind = row->kind;
	condition->negate = negate;
	*conditions = condition;
	return condition;
}

static void read_condition(struct plan *plan, const struct node *node, const struct condition_row *row, bool negate,
			   struct condition **conditions)
{
	if (row->kind == WHEN_SUCCEEDS) {
		struct condition *condition = new_condition(plan, row, negate, conditions);
		(void)value_program(plan, node, &condition->argv);
		return;
	}
	const struct node *one = node->kind == NODE_LIST ? node->first : node;
	for (; one; one = node->kind == NODE_LIST ? one->next : NULL) {
		struct condition *condition = new_condition(plan, row, negate, conditions);
		if (row->kind == WHEN_CAP) {
			uint64_t set = 0;
			plan_capabilities(plan, one, &set);
			while (set > 1 && condition->capability < 63) {
				set >>= 1;
				condition->capability++;
			}
		} else {
			condition->path = value_path(plan, one);
		}
	}
}

/* Asks one condition of the environment for every value: under `when` all must hold, under `unless` none may. */
static bool asked_now(struct plan *plan, const struct node *node, const struct condition_row *row, bool negate)
{
	struct list values = {0};

	if (!value_list(plan, node, value_text, &values))
		return true;
	for (size_t i = 0; i < values.count; i++)
		if (row->holds(plan, values.items[i]) == negate)
			return false;
	return true;
}

static bool read_conditions(struct plan *plan, const struct node *map, bool negate, struct condition **conditions)
{
	bool holds = true;

	if (map->kind != NODE_MAP) {
		yaml_problem(&plan->problems, map, "must be a mapping such as {env: NAME} or {exists: /path}");
		return true;
	}
	for (const struct node *n = map->first; n; n = n->next) {
		const struct condition_row *row = condition_table;
		while (row->name && strcmp(row->name, n->key->text) != 0)
			row++;
		if (!row->name)
			value_unknown(plan, n->key, "condition",
				      value_nearest(n->key->text, condition_table, sizeof(*condition_table)));
		else if (row->holds)
			holds &= asked_now(plan, n, row, negate);
		else if (conditions)
			read_condition(plan, n, row, negate, conditions);
		else
			yaml_problem(&plan->problems, n->key,
				     "\"%s\" can only be asked by a step: here env, env_true and "
				     "command decide",
				     row->name);
	}
	return holds;
}

bool plan_when(struct plan *plan, const struct node *map, struct condition **conditions)
{
	const struct node *when = yaml_get(map, "when");
	const struct node *unless = yaml_get(map, "unless");
	/* Both are read, so that both are checked. */
	bool wanted = !when || read_conditions(plan, when, false, conditions);
	bool unwanted = unless && !read_conditions(plan, unless, true, conditions);

	return wanted && !unwanted;
}

bool plan_when_now(struct plan *plan, const struct node *map)
{
	return plan_when(plan, map, NULL);
}

/* The rules of command_prefix, command_suffix and entrypoint. */

struct rule {
	struct list words, globs;
	bool replace;
};

static void put_in_front(struct plan *plan, const struct list *words, size_t without)
{
	struct list joined = {0};

	for (size_t i = 0; i < words->count; i++)
		list_add(&plan->problems.mem, &joined, words->items[i]);
	for (size_t i = without; i < plan->argv.count; i++)
		list_add(&plan->problems.mem, &joined, plan->argv.items[i]);
	plan->argv = joined;
}

static void prefix_words(struct plan *plan, const struct node *node, void *to)
{
	(void)value_list(plan, node, value_text, &((struct rule *)to)->words);
}

static void rule_globs(struct plan *plan, const struct node *node, void *to)
{
	(void)value_list(plan, node, value_text, &((struct rule *)to)->globs);
}

static void prefix_replace(struct plan *plan, const struct node *node, void *to)
{
	(void)value_bool(plan, node, &((struct rule *)to)->replace);
}

static const struct key prefix_keys[] = {{"words", prefix_words},
					 {"for", rule_globs},
					 {"replace", prefix_replace},
					 {NULL, NULL}};

/* MATCHED: a rule has matched already; the first one counts, the others are still checked. */
static void prefix_rule(struct plan *plan, const struct node *node, void *matched)
{
	struct rule rule = {0};

	value_map(plan, node, prefix_keys, &rule);
	if (node->kind != NODE_MAP)
		return;
	if (!yaml_get(node, "words") || !yaml_get(node, "for"))
		yaml_problem(&plan->problems, node,
			     "a rule needs \"words\" (what to put in front) and \"for\" (globs on "
			     "the first argument)");
	if (*(bool *)matched || plan->argv.count == 0 || !value_matches(&rule.globs, plan->argv.items[0]))
		return;
	*(bool *)matched = true;
	put_in_front(plan, &rule.words, rule.replace ? 1 : 0);
}

static void suffix_split(struct plan *plan, const struct node *node, void *to)
{
	const char *text = value_text(plan, node);

	for (; text && *text; text += strcspn(text, " \t\n")) {
		text += strspn(text, " \t\n");
		size_t length = strcspn(text, " \t\n");
		if (length)
			list_add(&plan->problems.mem, &((struct rule *)to)->words,
				 mem_copy(&plan->problems.mem, text, length));
	}
}

static const struct key suffix_keys[] = {{"words", prefix_words}, {"split", suffix_split}, {"for", rule_globs},
					 {"when", NULL},          {"unless", NULL},        {NULL, NULL}};

static void suffix_rule(struct plan *plan, const struct node *node, void *to)
{
	struct rule rule = {0};

	(void)to;
	if (node->kind == NODE_SCALAR) {
		prefix_words(plan, node, &rule);
	} else {
		if (node->kind == NODE_MAP && !plan_when_now(plan, node))
			return;
		value_map(plan, node, suffix_keys, &rule);
		if (node->kind == NODE_MAP && !yaml_get(node, "words") && !yaml_get(node, "split"))
			yaml_problem(&plan->problems, node, "a rule needs \"words\" or \"split\": what to append");
	}
	if (rule.globs.count && !value_matches(&rule.globs, plan_command_name(plan)))
		return;
	for (size_t i = 0; i < rule.words.count; i++)
		list_add(&plan->problems.mem, &plan->argv, rule.words.items[i]);
}

/* setup_for and setup_unless_args decide about the setup, never about the drop. */
static bool setup_wanted(struct plan *plan, const struct node *root)
{
	const struct node *names = yaml_get(root, "setup_for");
	const struct node *without = yaml_get(root, "setup_unless_args");
	struct list globs = {0}, arguments = {0};

	if (names && value_list(plan, names, value_text, &globs) && plan->command == COMMAND_RUN &&
	    !value_matches(&globs, plan_command_name(plan)))
		return false;
	if (without && value_list(plan, without, value_text, &arguments))
		for (size_t i = 1; i < plan->argv.count; i++)
			for (size_t j = 0; j < arguments.count; j++)
				if (strcmp(plan->argv.items[i], arguments.items[j]) == 0)
					return false;
	return true;
}

static enum plan_command special_command(const struct node *command)
{
	if (!command || command->kind != NODE_SCALAR)
		return COMMAND_RUN;
	if (strcmp(command->text, "none") == 0)
		return COMMAND_NONE;
	return strcmp(command->text, "pause") == 0 ? COMMAND_PAUSE : COMMAND_RUN;
}

void plan_command_line(struct plan *plan, const struct node *root, char **args)
{
	const struct node *command = yaml_get(root, "command");
	const struct node *prefix = yaml_get(root, "command_prefix");
	const struct node *suffix = yaml_get(root, "command_suffix");
	const struct node *entrypoint = yaml_get(root, "entrypoint");
	struct list front = {0}, unused = {0};
	size_t before = plan->problems.count;
	bool matched = false;

	for (; *args; args++)
		list_add(&plan->problems.mem, &plan->argv, *args);
	if (plan->argv.count == 0)
		plan->command = special_command(command);
	if (command && plan->command == COMMAND_RUN)
		(void)value_argv(plan, command, plan->argv.count ? &unused : &plan->argv);
	if (prefix)
		value_each(plan, prefix, prefix_rule, &matched);
	plan->run_setup = setup_wanted(plan, root);
	if (suffix)
		value_each(plan, suffix, suffix_rule, NULL);
	if (entrypoint && value_argv(plan, entrypoint, &front) && plan->command == COMMAND_RUN)
		put_in_front(plan, &front, 0);
	if (plan->command != COMMAND_RUN) /* what a suffix has made of no words */
		plan->argv.count = 0;
	/* What is wrong with a command that is written has been said. */
	if (plan->command == COMMAND_RUN &&
	    (plan->argv.count ? !plan->argv.items[0][0] : plan->problems.count == before)) {
		/* While an image is built its CMD is not known yet. */
		plan->problems.pending += !command && plan->argv.count == 0;
		yaml_problem(&plan->problems, root,
			     "nothing to run: give a command behind \"--\", or write \"command:\" "
			     "(or \"command: none\" for a setup alone)");
	}
}
