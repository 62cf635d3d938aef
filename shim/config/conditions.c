#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/nearest.h"
#include "config/parts.h"
#include "walk/walk.h"

const char *config_command_name(const struct plan *plan)
{
	if (plan->name)
		return plan->name;
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
	return list_has(&plan->env.vars, text);
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
	return glob_match(text, config_command_name(plan));
}

/* The kinds of conditions. HOLDS is NULL for those that are evaluated when the step's turn comes. */
static const struct condition_row {
	const char *name;
	bool (*holds)(const struct plan *plan, const char *text);
	enum condition_kind kind;
} condition_table[] = {
	{"env", env_holds, 0},         {"env_true", env_true_holds, 0},
	{"command", command_holds, 0}, {"exists", NULL, WHEN_EXISTS},
	{"empty", NULL, WHEN_EMPTY},   {"mountpoint", NULL, WHEN_MOUNTPOINT},
	{"cap", NULL, WHEN_CAP},       {"succeeds", NULL, WHEN_SUCCEEDS},
	{"only", NULL, WHEN_ONLY},     {NULL, NULL, 0},
};

/* Appends a condition at LAST, so that conditions are evaluated in the order written. */
static struct condition *new_condition(struct plan *plan, const struct condition_row *row, bool negate,
				       struct condition **conditions)
{
	struct condition *condition = mem_alloc(plan->mem, sizeof(*condition));

	while (*conditions)
		conditions = &(*conditions)->next;
	condition->kind = row->kind;
	condition->negate = negate;
	*conditions = condition;
	return condition;
}

/* {dir: PATH, names: GLOBS} */
static void read_only(struct plan *plan, const struct node *node, struct condition *to)
{
	static const struct key only_keys[] = {{"dir", key_pathname, offsetof(struct condition, path)},
					       {"names", key_texts, offsetof(struct condition, names)},
					       {NULL, NULL, 0}};

	value_map(plan, node, only_keys, to);
	if (node->kind == NODE_MAP && (!yaml_get(node, "dir") || !yaml_get(node, "names")))
		value_problem(plan, node, "must have \"dir\" (a directory) and \"names\" (globs: what it may hold)");
}

static void read_condition(struct plan *plan, const struct node *node, const struct condition_row *row, bool negate,
			   struct condition **conditions)
{
	if (row->kind == WHEN_SUCCEEDS) {
		struct condition *condition = new_condition(plan, row, negate, conditions);
		condition->program = config_program(plan, node);
		return;
	}
	if (row->kind == WHEN_ONLY) {
		read_only(plan, node, new_condition(plan, row, negate, conditions));
		return;
	}
	for (const struct node *one = NULL; (one = yaml_item(node, one));) {
		struct condition *condition = new_condition(plan, row, negate, conditions);
		if (row->kind == WHEN_CAP) {
			uint64_t set = 0;
			value_capabilities(plan, one, &set);
			while (set > 1 && condition->capability < 63) {
				set >>= 1;
				condition->capability++;
			}
		} else {
			condition->path = value_path(plan, one);
		}
	}
}

/* Evaluates a condition on the environment for each value: under `when` all must hold, under `unless` none may. */
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

/* `exists` outside of steps: on the file system as it is before the setup. */
static bool exists_now(struct plan *plan, const struct node *node, bool negate)
{
	struct list paths = {0};
	struct walk_where where;
	char why[512];

	if (!value_list(plan, node, value_path, &paths))
		return true;
	for (size_t i = 0; i < paths.count; i++) {
		int fd = walk_open(paths.items[i], WALK_FOLLOW, &where);
		if (fd >= 0)
			close(fd);
		else if (errno != ENOENT && errno != ENOTDIR)
			value_problem(plan, node, "cannot look at \"%s\": %s", paths.items[i],
				      walk_why(why, sizeof(why), errno, &where));
		if ((fd >= 0) == negate)
			return false;
	}
	return true;
}

static bool read_conditions(struct plan *plan, const struct node *map, bool negate, struct condition **conditions)
{
	bool holds = true;

	if (map->kind != NODE_MAP) {
		value_problem(plan, map, "must be a mapping such as {env: NAME} or {exists: /path}");
		return true;
	}
	for (const struct node *n = map->first; n; n = n->next) {
		const struct condition_row *row = named_row(n->key->text, condition_table, sizeof(*condition_table));
		if (!row)
			value_unknown(plan, n->key, "condition",
				      nearest_name(n->key->text, condition_table, sizeof(*condition_table)));
		else if (row->holds)
			holds &= asked_now(plan, n, row, negate);
		else if (conditions)
			read_condition(plan, n, row, negate, conditions);
		else if (row->kind == WHEN_EXISTS)
			holds &= exists_now(plan, n, negate);
		else
			value_problem(plan, n->key,
				      "\"%s\" can only be asked by a step: write env, env_true, command or exists",
				      row->name);
	}
	return holds;
}

/* A list of mappings: one of them must hold. If one holds already, the others are not needed. */
static bool read_choices(struct plan *plan, const struct node *list, struct condition **conditions)
{
	static const struct condition_row any = {NULL, NULL, WHEN_ANY};
	struct condition_choice *choices = NULL, **end = &choices;
	bool holds = false;

	for (const struct node *map = list->first; map; map = map->next) {
		struct condition *later = NULL;
		if (!read_conditions(plan, map, false, conditions ? &later : NULL))
			continue;
		holds |= !later;
		struct condition_choice *choice = mem_alloc(plan->mem, sizeof(*choice));
		choice->conditions = later;
		*end = choice;
		end = &choice->next;
	}
	if (!list->first)
		value_problem(plan, list, "must have a mapping such as {env: NAME}, or be left out");
	if (choices && !holds)
		new_condition(plan, &any, false, conditions)->choices = choices;
	return choices != NULL;
}

bool config_when(struct plan *plan, const struct node *map, struct condition **conditions)
{
	const struct node *when = yaml_get(map, "when");
	const struct node *unless = yaml_get(map, "unless");
	/* Both are read, so that both are checked. */
	bool wanted = !when || (when->kind == NODE_LIST ? read_choices(plan, when, conditions)
							: read_conditions(plan, when, false, conditions));
	bool unwanted = unless && !read_conditions(plan, unless, true, conditions);

	return wanted && !unwanted;
}
