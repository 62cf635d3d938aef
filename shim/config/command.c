#include <stdlib.h>
#include <string.h>

#include "base/glob.h"
#include "base/path.h"
#include "config/config.h"
#include "config/parts.h"
#include "workload/program.h"

/* The rules of command_prefix, command_suffix and entrypoint. */

static void append_words(struct plan *plan, struct list *to, const struct list *from, size_t without)
{
	for (size_t i = without; i < from->count; i++)
		list_take(plan->mem, to, from->items[i]);
}

static void put_in_front(struct plan *plan, const struct list *words, size_t without)
{
	struct list joined = {0};

	append_words(plan, &joined, words, 0);
	append_words(plan, &joined, &plan->argv, without);
	plan->argv = joined;
}

static void read_texts(struct plan *plan, const struct node *rule, const char *key, struct list *to)
{
	const struct node *node = yaml_get(rule, key);

	if (node)
		(void)value_list(plan, node, value_text, to);
}

/*
 * One rule. The first match counts; the others are still checked: their words must be valid, but the variables that they
 * name need not be set.
 */
void config_prefix(struct plan *plan, const struct node *node, void *to)
{
	struct config_root *root = to;
	const struct node *replace = yaml_get(node, "replace");
	struct list words = {0}, globs = {0};
	bool replaces = false;

	if (!value_keys(plan, node, NAMES("words", "for", "replace", "when", "unless")))
		return;
	if (!yaml_get(node, "words") || !yaml_get(node, "for"))
		value_problem(plan, node,
			      "a rule needs \"words\" (what to put in front) and \"for\" (globs on "
			      "the first argument)");
	if (replace)
		(void)value_bool(plan, replace, &replaces);
	read_texts(plan, node, "for", &globs);
	plan->unused = !config_when(plan, node, NULL) || root->prefixed || plan->argv.count == 0 ||
		       !glob_any(&globs, plan->argv.items[0]);
	read_texts(plan, node, "words", &words);
	if (!plan->unused) {
		root->prefixed = true;
		put_in_front(plan, &words, replaces ? 1 : 0);
	}
	plan->unused = false;
}

/* Breaks the value of one variable at blanks. */
static void split(struct plan *plan, const struct node *node, struct list *to)
{
	const char *text = value_text(plan, node);

	for (; text && *text; text += strcspn(text, " \t\n")) {
		text += strspn(text, " \t\n");
		size_t length = strcspn(text, " \t\n");
		if (length)
			list_take(plan->mem, to, mem_copy(plan->mem, text, length));
	}
}

/* An item of command_suffix: a word, or a rule. Without "for" it always applies. */
void config_suffix(struct plan *plan, const struct node *node, void *)
{
	const struct node *one = yaml_get(node, "split");
	struct list words = {0}, globs = {0};

	if (node->kind == NODE_MAP && !config_when(plan, node, NULL))
		return;
	if (node->kind == NODE_SCALAR) {
		(void)value_list(plan, node, value_text, &words);
	} else if (value_keys(plan, node, NAMES("words", "split", "for", "when", "unless"))) {
		if (!yaml_get(node, "words") && !one)
			value_problem(plan, node, "a rule needs \"words\" or \"split\": what to append");
		read_texts(plan, node, "for", &globs);
		plan->unused = globs.count && !glob_any(&globs, config_command_name(plan));
		read_texts(plan, node, "words", &words);
		if (one)
			split(plan, one, &words);
	}
	if (!plan->unused)
		append_words(plan, &plan->argv, &words, 0);
	plan->unused = false;
}

static enum plan_command special_command(const struct node *command)
{
	if (!command || command->kind != NODE_SCALAR)
		return COMMAND_RUN;
	if (strcmp(command->text, "none") == 0)
		return COMMAND_NONE;
	return strcmp(command->text, "pause") == 0 ? COMMAND_PAUSE : COMMAND_RUN;
}

void config_command(struct plan *plan, const struct node *node, void *root)
{
	struct list unused = {0};

	((struct config_root *)root)->before = plan->problems.count;
	plan->unused = plan->argv.count > 0;
	if (!plan->unused)
		plan->command = special_command(node);
	if (node && plan->command == COMMAND_RUN && !config_is_beside(plan))
		(void)value_argv(plan, node, plan->unused ? &unused : &plan->argv);
	plan->unused = false;
}

/* setup_for and setup_unless_args decide about the setup, never about the drop. */
void config_setup_for(struct plan *plan, const struct node *node, void *)
{
	struct list globs = {0};

	/* While an image is built its CMD is not known yet: it may be one of these. */
	const bool open = plan->mode >= PLAN_CHECK && plan->argv.count == 0;

	if (node->kind == NODE_LIST && !node->count)
		value_problem(plan, node, "no program would run the setup: name one, or leave the key out");
	if (value_list(plan, node, value_text, &globs) && plan->command == COMMAND_RUN && !open)
		plan->run_setup = glob_any(&globs, config_command_name(plan));
}

void config_setup_unless_args(struct plan *plan, const struct node *node, void *)
{
	struct list arguments = {0};

	if (!plan->run_setup || !value_list(plan, node, value_text, &arguments))
		return;
	for (size_t i = 1; i < plan->argv.count; i++)
		if (list_has(&arguments, plan->argv.items[i]))
			plan->run_setup = false;
}

/* Completes the command line. */
void config_entrypoint(struct plan *plan, const struct node *node, void *to)
{
	const struct config_root *root = to;
	struct list front = {0};

	plan->name = config_command_name(plan);
	if (node && value_argv(plan, node, &front) && plan->command == COMMAND_RUN)
		put_in_front(plan, &front, 0);
	if (plan->command != COMMAND_RUN) /* a suffix alone made words */
		plan->argv.count = 0;
	/* Problems of a written command have been reported already. */
	if (plan->command == COMMAND_RUN &&
	    (plan->argv.count ? !plan->argv.items[0][0] : plan->problems.count == root->before)) {
		/* While an image is built its CMD is not known yet. */
		const bool open = !yaml_get(root->node, "command") && plan->argv.count == 0;

		plan->problems.pending += open;
		value_problem(
			plan, root->node, "%snothing to run: name it after \"--\"%s",
			open && plan->mode >= PLAN_CHECK ? "note: " : "",
			plan->options
				? ""
				: ", in the image's CMD, or with \"command:\" (\"command: none\" for a setup alone)");
	}
}

const char *config_search_path(const struct plan *plan)
{
	const char *path = glob_any(&plan->unset, "PATH") ? NULL : environ_get(&plan->env, "PATH");

	return path ? path : PATH_DEFAULT;
}

void config_look_up(struct plan *plan)
{
	struct mem *mem = plan->mem;
	const char *name = plan->argv.count ? plan->argv.items[0] : "", *denied, *path, *refused;
	struct program program;
	int error;

	/* The workload will start in working_dir. */
	if (plan->working_dir && name[0] != '/' && strchr(name, '/'))
		name = mem_format(mem, "%s/%s", plan->working_dir, name);
	path = program_find(mem, name, config_search_path(plan), &error, &denied);
	if (!path)
		return; /* a step may still create it, or only the user may see it: it is looked up again later */
	program_read(&program, mem, READ_AS_ROOT, path);
	refused = program_refused(&program, mem, plan->workload.keep, plan->workload.bounding, &plan->filter);
	if (refused)
		problem_add(&plan->problems, plan->file, 0, 0, "%s", refused);
}
