#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "config/parts.h"
#include "privilege/drop.h"
#include "walk/trust.h"

/*
 * Every key of the config, in the order of the manual. They are read in the order of config_keys() below, where each
 * comes after what it depends on.
 */
static const struct key root_keys[] = {
	{"user", NULL},
	{"allow_root", NULL},
	{"supplementary_groups", NULL},
	{"accounts", NULL},
	{"entrypoint", NULL},
	{"command", NULL},
	{"command_prefix", NULL},
	{"command_suffix", NULL},
	{"setup_for", NULL},
	{"setup_unless_args", NULL},
	{"cap_add", NULL},
	{"cap_add_optional", NULL},
	{"seccomp", NULL},
	{"on_nonroot", NULL},
	{"env_file", NULL},
	{"file_environment", NULL},
	{"environment", NULL},
	{"unset_environment", NULL},
	{"working_dir", NULL},
	{"umask", NULL},
	{"ulimits", NULL},
	{"oom_score_adj", NULL},
	{"own_stdio", NULL},
	{"new_session", NULL},
	{"keep_fds", NULL},
	{"init", NULL},
	{"report", NULL},
	{"trace", NULL},
	{"setup", NULL},
	{NULL, NULL},
};

static void load_env_file(struct plan *plan, const struct node *node, void *to)
{
	const char *path = value_path(plan, node), *why = NULL;
	size_t length;

	(void)to;
	if (!path)
		return;
	char *text = trust_read(&plan->problems.mem, path, YAML_LIMIT, &length, &why);
	if (!text)
		yaml_problem(&plan->problems, node, "cannot read \"%s\": %s", path, why);
	else if (strlen(text) != length)
		yaml_problem(&plan->problems, node, "cannot read \"%s\": it holds a NUL byte", path);
	else
		environ_load(&plan->env, &plan->problems, path, text);
	plan->problems.pending += !text && access(path, F_OK) != 0 && errno == ENOENT;
}

/* From top to bottom: each value sees those above it. */
static void set_environment(struct plan *plan, const struct node *node)
{
	const struct node *one = node->kind == NODE_SCALAR ? node : node->first;

	for (; one; one = node->kind == NODE_SCALAR ? NULL : one->next) {
		const char *value = value_text(plan, one);
		const char *equals = value && !one->key ? strchr(value, '=') : NULL;
		const char *name = one->key ? one->key->text : NULL;
		if (!value)
			continue;
		if (equals) {
			name = mem_copy(&plan->problems.mem, value, (size_t)(equals - value));
			value = equals + 1;
		}
		if (name && environ_name_ok(name))
			environ_set(&plan->env, name, value);
		else
			yaml_problem(&plan->problems, one->key ? one->key : one,
				     "must be NAME: VALUE or NAME=VALUE, with a name "
				     "of letters, digits and underscores");
	}
}

/* What may be read, and where: names, or {names, below}. */
struct import_keys {
	const struct node *names;
	struct list below;
};

static void read_import_names(struct plan *plan, const struct node *node, void *to)
{
	(void)plan;
	((struct import_keys *)to)->names = node;
}

static void read_import_below(struct plan *plan, const struct node *node, void *to)
{
	/* Whoever sets a variable must not choose what root reads. */
	(void)value_list(plan, node, value_fixed_path, &((struct import_keys *)to)->below);
}

static void read_imports(struct plan *plan, const struct node *node)
{
	static const struct key keys[] = {{"names", read_import_names}, {"below", read_import_below}, {NULL, NULL}};
	struct import_keys imports = {.names = node};

	if (node->kind == NODE_MAP) {
		imports.names = NULL;
		value_map(plan, node, keys, &imports);
		const struct node *below = yaml_get(node, "below");
		if (!imports.names || !below || (below->kind == NODE_LIST && !below->count))
			yaml_problem(&plan->problems, node,
				     "needs both, such as {names: [DB_PASSWORD], below: /run/secrets}");
	}
	plan->imports = node->kind == NODE_MAP ? IMPORTS_BELOW : IMPORTS_ANY;
	if (imports.names)
		environ_import(&plan->env, &plan->problems, imports.names,
			       node->kind == NODE_MAP ? &imports.below : NULL);
}

static void read_environment(struct plan *plan, const struct node *root, char **envp)
{
	const struct node *files = yaml_get(root, "env_file");
	const struct node *imports = yaml_get(root, "file_environment");
	const struct node *environment = yaml_get(root, "environment");

	environ_start(&plan->env, &plan->problems, envp);
	if (files)
		value_each(plan, files, load_env_file, NULL);
	if (imports)
		read_imports(plan, imports);
	if (environment)
		set_environment(plan, environment);
}

static void read_nonroot_setup(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"skip", "try", NULL};

	*(int *)to = value_fixed(plan, node) ? value_word(plan, node, words) : -1;
}

static void read_nonroot_ids(struct plan *plan, const struct node *node, void *to)
{
	static const char *const words[] = {"configured", "any", NULL};

	(void)to;
	plan->ids_any = value_fixed(plan, node) && value_word(plan, node, words) == 1;
}

static void read_nonroot(struct plan *plan, const struct node *root)
{
	static const char *const words[] = {"skip_setup", "try_setup", "refuse", NULL};
	static const struct key keys[] = {{"setup", read_nonroot_setup}, {"ids", read_nonroot_ids}, {NULL, NULL}};
	const struct node *node = yaml_get(root, "on_nonroot"), *setup = yaml_get(root, "setup");
	int word = plan->command == COMMAND_RUN ? NONROOT_SKIP_SETUP : NONROOT_REFUSE;

	if (node && node->kind == NODE_MAP) {
		word = NONROOT_SKIP_SETUP; /* skip and try are the first two words here as well */
		value_map(plan, node, keys, &word);
	} else if (node && value_fixed(plan, node)) {
		word = value_word(plan, node, words);
	}
	if (!plan->nonroot)
		return;
	plan->try_setup = word == NONROOT_TRY_SETUP;
	plan->setup_skipped = plan->run_setup && !plan->try_setup;
	plan->steps_skipped = plan->setup_skipped && setup ? (setup->kind == NODE_LIST ? setup->count : 1) : 0;
	plan->run_setup = plan->run_setup && plan->try_setup;
	if (word == NONROOT_REFUSE)
		plan->refused =
			mem_format(&plan->problems.mem,
				   "the start is as uid %u, and this config needs root: start the container as root "
				   "(it gives root away by itself), or write \"on_nonroot: skip_setup\"",
				   plan->start.euid);
	else if (plan->start.permitted & ~plan->start.ambient)
		plan->refused = "the start is not root's and holds capabilities that are not ambient: remove the file "
				"capabilities of capshim (setcap -r), or start the container as root";
}

/*
 * Where there is no workload, a key that is about one would do nothing and look as if it did. Not refused is what
 * concerns the command line (entrypoint and the like): that may name a command, and then there is a workload.
 */
static void refuse_unused(struct plan *plan, const struct node *root)
{
	static const struct {
		const char *key;
		bool paused; /* a pause has it as well */
	} about[] = {
		{"cap_add", false},     {"cap_add_optional", false},
		{"seccomp", false},     {"unset_environment", false},
		{"working_dir", false}, {"umask", false},
		{"ulimits", true},      {"oom_score_adj", true},
		{"own_stdio", false},   {"new_session", false},
		{"keep_fds", false},    {"init", false},
		{"report", false},
	};
	const bool pause = plan->command == COMMAND_PAUSE;

	if (plan->command == COMMAND_RUN)
		return;
	for (size_t i = 0; i < sizeof(about) / sizeof(*about); i++) {
		const struct node *node = yaml_get(root, about[i].key);
		if (node && !(pause && about[i].paused))
			yaml_problem(&plan->problems, node->key,
				     "\"%s\" does not go with \"command: %s\", which runs no workload: remove it",
				     about[i].key, pause ? "pause" : "none");
	}
}

static void read_capabilities(struct plan *plan, const struct node *root)
{
	const struct node *required = yaml_get(root, "cap_add");
	const struct node *optional = yaml_get(root, "cap_add_optional");
	uint64_t wanted = 0, welcome = 0;

	if (required)
		value_capabilities(plan, required, &wanted);
	if (optional)
		value_capabilities(plan, optional, &welcome);
	plan->workload.keep = wanted | (welcome & plan->start.permitted & plan->start.bounding);
	plan->optional = welcome & ~wanted;
}

/* What belongs to the start of the container alone, and not to what is started beside the workload. */
static void beside_workload(struct plan *plan)
{
	plan->behind_init = plan->init.on;
	plan->init.on = false;
	plan->own_stdio = STDIO_FALSE;
	plan->oom_score_adj_set = false;
	plan->new_session = false;
	plan->report = REPORT_NONE;
	memset(plan->keep_fds, 0, sizeof(plan->keep_fds));
}

/* Each line comes after those that it depends on. */
static void config_keys(struct plan *plan, const struct node *root, char **args, char **envp)
{
	const struct node *allow_root = yaml_get(root, "allow_root");
	const struct node *setup = yaml_get(root, "setup");

	value_map(plan, root, root_keys, NULL);
	if (root->kind != NODE_MAP)
		return;
	read_environment(plan, root, envp);    /* every ${…} below sees the result */
	config_command_line(plan, root, args); /* `command` conditions see it */
	refuse_unused(plan, root);             /* needs to know of none and pause */
	read_nonroot(plan, root);              /* as well */
	if (allow_root && value_fixed(plan, allow_root))
		(void)value_bool(plan, allow_root, &plan->allow_root);
	config_accounts(plan, yaml_get(root, "accounts"), NULL); /* names resolve against these */
	config_identity(plan, root);
	read_capabilities(plan, root);
	if (!plan->refused && plan->command != COMMAND_NONE) /* which ends without giving up anything */
		plan->refused = drop_plan(&plan->workload, &plan->start, &plan->problems.mem);
	if (plan->command == COMMAND_RUN)
		config_seccomp(plan, yaml_get(root, "seccomp")); /* needs the kept capabilities */
	config_process(plan, root);
	config_init(plan, yaml_get(root, "init"));
	if (plan->mode == PLAN_AS_WORKLOAD || plan->mode == PLAN_VERIFY)
		beside_workload(plan);
	plan->init_holds = plan->workload;
	plan->init_holds.keep = 0;
	if ((plan->init.on || plan->command == COMMAND_PAUSE) && !plan->refused)
		plan->refused = drop_plan(&plan->init_holds, &plan->start, &plan->problems.mem);
	if (setup && (plan->run_setup || plan->mode >= PLAN_CHECK))
		config_steps(plan, setup); /* `workload` is an owner by now */
}

/* A relative name is one of the working directory. */
static const char *absolute(struct mem *mem, const char *file)
{
	char here[PATH_MAX];

	return file[0] != '/' && getcwd(here, sizeof(here)) ? mem_format(mem, "%s/%s", here, file) : file;
}

/* A problem of an option names it: nobody sees lines there. */
static void option_problems(struct node *node, const char *option)
{
	node->file = option;
	node->line = 0;
	for (struct node *item = node->first; item; item = item->next)
		option_problems(item, option);
}

static const struct node *config_of_options(struct plan *plan, const struct plan_options *options)
{
	struct node *root = yaml_read(&plan->problems, plan->file, options->text, strlen(options->text));

	if (!root)
		return NULL;
	root->line = 0;
	for (struct node *value = root->first; value; value = value->next)
		option_problems(value, options->names[value->line - 1]);
	return root;
}

/* Reads FILE, or the options in its place, into a tree; NULL with a problem. */
static const struct node *read_config(struct plan *plan, const char *file)
{
	const char *why = NULL, *path = absolute(&plan->problems.mem, file);
	size_t length;

	plan->file = file;
	plan->env.mem = &plan->problems.mem;
	if (plan->options)
		return config_of_options(plan, plan->options);
	char *bytes = trust_read(&plan->problems.mem, path, YAML_LIMIT, &length, &why);
	if (bytes)
		return yaml_read_flawed(&plan->problems, file, bytes, length);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		why = "there is no such file: COPY it into the image or mount it there, or name another one with -c";
	problem_add(&plan->problems, file, 0, 0, "%s", why);
	return NULL;
}

void config_read(struct plan *plan, enum plan_mode mode, const char *file, char **args, char **envp)
{
	plan->mode = mode;
	/* --check and --explain are about a start as root, whoever asks: a build of an image may have no root. */
	plan->nonroot = mode < PLAN_CHECK && plan->start.euid != 0;
	plan->run_setup = true;

	const struct node *root = read_config(plan, file);
	if (!root)
		return;
	config_keys(plan, root, args, envp);
	if (plan->nsteps + plan->nwishes || plan->init.on || plan->new_session || plan->report != REPORT_NONE ||
	    plan->command == COMMAND_PAUSE)
		start_read_dispositions(&plan->start);
	/* Where nothing is done before, the workload finds out soon enough what is wrong with its program. */
	if (plan->problems.count == 0 && plan->argv.count && (plan->nsteps + plan->nwishes || plan->mode != PLAN_RUN))
		config_look_up(plan);
}

/* Of the config only what a compiled profile depends on: the profile that it names need not exist yet. */
int config_compile_seccomp(struct plan *plan, const char *file, const char *in, const char *out)
{
	const struct node *root = file ? read_config(plan, file) : NULL;
	const struct node *keep = root ? yaml_get(root, "cap_add") : NULL;

	if (keep)
		value_capabilities(plan, keep, &plan->workload.keep);
	problems_say(&plan->problems);
	if (plan->problems.count)
		return DIAG_USER;
	const struct filter_target target = config_filter_target(plan);
	return filter_compile_file(in, out, &target);
}

void config_must_hold(const struct plan *plan)
{
	problems_say(&plan->problems);
	if (plan->problems.count)
		_exit(DIAG_USER);
	if (plan->refused)
		diag_die(DIAG_SYSTEM, "cannot run \"%s\" from this start: %s", plan->file, plan->refused);
}
