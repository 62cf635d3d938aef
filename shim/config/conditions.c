#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/glob.h"
#include "base/path.h"
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

/* Conditions that are decided now, once. */

/* NAME, or NAME=VALUE. */
static const char *read_env(struct plan *plan, const struct node *node)
{
	const bool pair = node->kind == NODE_SCALAR && strchr(node->text, '=') && !strchr("$=", node->text[0]);

	return pair ? value_text(plan, node) : value_variable(plan, node);
}

static bool env_holds(struct plan *plan, const struct node *, const char *text)
{
	const char *value = environ_get(&plan->env, text);

	return strchr(text, '=') ? list_has(&plan->env.vars, text) : value && *value;
}

static bool env_true_holds(struct plan *plan, const struct node *, const char *text)
{
	static const char *const yes[] = {"1", "true", "yes", "on"};
	const char *value = environ_get(&plan->env, text);

	for (size_t i = 0; value && i < sizeof(yes) / sizeof(*yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return true;
	return false;
}

static bool command_holds(struct plan *plan, const struct node *, const char *text)
{
	return glob_match(text, config_command_name(plan));
}

/* `exists` outside of steps: on the file system as it is before the setup. */
static bool exists_holds(struct plan *plan, const struct node *node, const char *path)
{
	struct walk_where where;
	const int fd = walk_open(path, WALK_FOLLOW, &where);

	if (fd >= 0)
		close(fd);
	else if (errno != ENOENT && errno != ENOTDIR)
		value_problem(plan, node, "cannot look at \"%s\": %s", path, walk_why(plan->mem, errno, &where));
	return fd >= 0;
}

/* HOLDS is asked now for each value, as READ returns it. Without HOLDS only a step can ask. */
static const struct condition_row {
	const char *name;
	bool (*holds)(struct plan *plan, const struct node *node, const char *value);
	const char *(*read)(struct plan *plan, const struct node *node);
	bool later; /* in a step it is evaluated when the step's turn comes */
	enum condition_kind kind;
} condition_table[] = {
	{"env", env_holds, read_env, false, 0},
	{"env_true", env_true_holds, value_variable, false, 0},
	{"command", command_holds, value_text, false, 0},
	{"exists", exists_holds, value_path, true, WHEN_EXISTS},
	{"empty", NULL, NULL, true, WHEN_EMPTY},
	{"mountpoint", NULL, NULL, true, WHEN_MOUNTPOINT},
	{"cap", NULL, NULL, true, WHEN_CAP},
	{"succeeds", NULL, NULL, true, WHEN_SUCCEEDS},
	{"only", NULL, NULL, true, WHEN_ONLY},
	{NULL, NULL, NULL, false, 0},
};

/* Appends a condition to CONDITIONS, so that they are evaluated in the order written. */
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

	if (value_map(plan, node, only_keys, to) && (!yaml_get(node, "dir") || !yaml_get(node, "names")))
		value_problem(plan, node, "must have \"dir\" (a directory) and \"names\" (globs: what it may hold)");
}

const struct step *config_program(struct plan *plan, const struct node *node)
{
	const struct node *run = node->kind == NODE_MAP ? yaml_get(node, "run") : node;
	struct step *program = mem_alloc(plan->mem, sizeof(*program));

	list_add(plan->mem, &program->environment, "PATH=" PATH_DEFAULT);
	if (run)
		(void)value_program(plan, run, &program->items);
	else
		value_problem(plan, node, "must have \"run:\", a list of program and arguments");
	if (node->kind == NODE_MAP)
		(void)value_keys(plan, node, NAMES("run", "user", "cap_add"));
	config_step_user(plan, node, &program->user);
	return program;
}

static void read_condition(struct plan *plan, const struct node *node, const struct condition_row *row, bool negate,
			   struct condition **conditions)
{
	if (row->kind == WHEN_SUCCEEDS)
		new_condition(plan, row, negate, conditions)->program = config_program(plan, node);
	else if (row->kind == WHEN_ONLY)
		read_only(plan, node, new_condition(plan, row, negate, conditions));
	else
		for (const struct node *one = NULL; (one = yaml_item(node, one));) {
			struct condition *condition = new_condition(plan, row, negate, conditions);
			if (row->kind == WHEN_CAP)
				value_capability(plan, one, &condition->capability);
			else
				condition->path = value_path(plan, one);
		}
}

/* Evaluates a condition for each value: under `when` all must hold, under `unless` none may. */
static bool asked_now(struct plan *plan, const struct node *node, const struct condition_row *row, bool negate)
{
	struct list values = {0};

	if (!value_list(plan, node, row->read, &values))
		return true;
	for (size_t i = 0; i < values.count; i++)
		if (row->holds(plan, node, values.items[i]) == negate)
			return false;
	return true;
}

static bool read_conditions(struct plan *plan, const struct node *map, bool negate, struct condition **conditions)
{
	bool holds = true;

	if (!value_is_map(plan, map, " such as {env: NAME} or {exists: /path}"))
		return true;
	for (const struct node *n = map->first; n; n = n->next) {
		const struct condition_row *row =
			value_row(plan, n->key, "condition", condition_table, sizeof(*condition_table));
		if (!row)
			continue;
		if (conditions && row->later)
			read_condition(plan, n, row, negate, conditions);
		else if (row->holds)
			holds &= asked_now(plan, n, row, negate);
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
	static const struct condition_row any = {.kind = WHEN_ANY};
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
