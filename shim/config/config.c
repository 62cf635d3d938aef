#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "config/parts.h"
#include "privilege/drop.h"
#include "walk/trust.h"

static void load_env_file(struct plan *plan, const struct node *node, void *)
{
	const char *path = value_path(plan, node), *why = NULL;
	size_t length;

	if (!path)
		return;
	char *text = trust_read(plan->mem, path, YAML_LIMIT, &length, &why);
	plan->problems.pending += !text && errno == ENOENT;
	if (!text)
		value_problem(plan, node, "cannot read \"%s\": %s", path, why);
	else if (strlen(text) != length)
		value_problem(plan, node, "cannot read \"%s\": it holds a NUL byte", path);
	else
		environ_load(&plan->env, &plan->problems, path, text);
}

/* From top to bottom: each value sees those above it. */
static void read_environment(struct plan *plan, const struct node *node, void *)
{
	const bool map = node->kind == NODE_MAP;

	for (const struct node *entry = NULL; (entry = value_entry(node, entry));) {
		char *pair = value_pair(plan, node, entry);
		if (!pair)
			continue;
		const char *name = map ? entry->key->text : mem_copy(plan->mem, pair, strcspn(pair, "="));
		if (environ_name_ok(name) && strchr(pair, '='))
			environ_put(&plan->env, pair);
		else
			value_problem(plan, map ? entry->key : entry,
				      "must be NAME: VALUE or NAME=VALUE, with a name "
				      "of letters, digits, _, . and -");
	}
}

/* A name that no variable has would leave a secret to the workload. */
static void read_unset(struct plan *plan, const struct node *node, void *to)
{
	(void)value_list(plan, node, value_variable, to);
}

/* Which files may be read, and where: names, or {names, below}. */
static void read_imports(struct plan *plan, const struct node *node, void *)
{
	const bool map = node->kind == NODE_MAP;
	const struct node *names = map ? yaml_get(node, "names") : node, *below = yaml_get(node, "below");
	struct list directories = {0};

	plan->imports = map ? IMPORTS_BELOW : IMPORTS_ANY;
	if (map)
		(void)value_keys(plan, node, NAMES("names", "below"));
	if (below) /* a variable must not choose what root reads */
		(void)value_list(plan, below, value_fixed_path, &directories);
	if (map && (!names || !below || (below->kind == NODE_LIST && !below->count)))
		value_problem(plan, node, "needs both, such as {names: [DB_PASSWORD], below: /run/secrets}");
	if (names)
		environ_import(&plan->env, &plan->problems, names, map ? &directories : NULL);
}

static void read_nonroot(struct plan *plan, const struct node *node, void *root)
{
	const struct node *setup = yaml_get(((const struct config_root *)root)->node, "setup");
	enum plan_nonroot word = plan->command == COMMAND_RUN ? NONROOT_SKIP_SETUP : NONROOT_REFUSE;

	if (node && node->kind == NODE_MAP) {
		(void)value_keys(plan, node, NAMES("setup", "ids"));
		word = value_fixed_word(plan, yaml_get(node, "setup"), NAMES("skip", "try"));
		plan->ids_any = value_fixed_word(plan, yaml_get(node, "ids"), NAMES("configured", "any"));
	} else if (node) {
		word = value_fixed_word(plan, node, NAMES("skip_setup", "try_setup", "refuse"));
	}
	plan->root_only = word == NONROOT_REFUSE;
	/* The ids that the config names, not those of who asks. */
	plan->nonroot = plan->nonroot && (plan->mode != PLAN_VERIFY || plan->ids_any);
	if (!plan->nonroot)
		return;
	plan->try_setup = word == NONROOT_TRY_SETUP;
	plan->setup_skipped = plan->run_setup && !plan->try_setup;
	plan->steps_skipped = plan->setup_skipped && setup ? config_count_steps(setup) : 0;
	plan->run_setup = plan->run_setup && plan->try_setup;
	if (word == NONROOT_REFUSE)
		plan->refused =
			mem_format(plan->mem,
				   "the start is as uid %u, and this config needs root: start the container as root "
				   "(it gives root away by itself), or write \"on_nonroot: skip_setup\"",
				   plan->start.euid);
	else if (plan->start.permitted & ~plan->start.ambient)
		plan->refused = "the start is not root's and holds capabilities that are not ambient: remove the file "
				"capabilities of capshim (setcap -r), or start the container as root";
}

static void read_allow_root(struct plan *plan, const struct node *node, void *)
{
	if (value_fixed(plan, node))
		(void)value_bool(plan, node, &plan->allow_root);
}

/* Completes the set of kept capabilities. */
static void read_keep_optional(struct plan *plan, const struct node *node, void *)
{
	uint64_t welcome = 0;

	if (node)
		value_capabilities(plan, node, &welcome);
	plan->optional = welcome & ~plan->workload.keep;
	plan->workload.keep |= start_bounding(&plan->start, welcome & plan->start.permitted);
	if (!plan->refused && plan->command != COMMAND_NONE) /* "none" ends without dropping anything */
		plan->refused = drop_plan(&plan->workload, &plan->start, plan->mem);
}

/* Resets what belongs only to the start of the container, not to a process started beside the workload. */
static void beside_workload(struct plan *plan)
{
	plan->behind_init = plan->init.on;
	plan->init.on = false;
	plan->own_stdio = STDIO_FALSE;
	plan->oom_score_adj_set = false;
	plan->new_session = false;
	plan->report = REPORT_NONE;
	memset(plan->keep_fds, 0, sizeof(plan->keep_fds));
	plan->listen_fds = false;
}

/* Completes what PID 1 holds. */
static void read_init(struct plan *plan, const struct node *node, void *root)
{
	config_init(plan, node, root);
	if (config_is_beside(plan))
		beside_workload(plan);
	plan->init_holds = plan->workload;
	plan->init_holds.keep = 0;
	if ((plan->init.on || plan->command == COMMAND_PAUSE) && !plan->refused)
		plan->refused = drop_plan(&plan->init_holds, &plan->start, plan->mem);
}

#define ALWAYS 1   /* read even if it is not written: NODE is NULL then */
#define WORKLOAD 2 /* about the workload, which "command: none" and "pause" do not have */
#define PROCESS 4  /* about a process, which includes "pause" */
#define START 8    /* not read for a process started beside the workload */
#define EACH 16    /* READ is called for every item of a list, or for a single item in its place */

/* Every key of the config. Each one comes after those that it depends on. */
static const struct root_key {
	const char *name;
	key_reader *read;
	uint16_t flags;
	uint16_t offset; /* of what READ fills in, in the plan; 0: it gets the struct config_root */
} root_keys[] = {
	/* Every ${...} below sees the result. */
	{"env_file", load_env_file, EACH, 0},
	{"file_environment", read_imports, 0, 0},
	{"environment", read_environment, 0, 0},
	/* Conditions use the command; none and pause decide about the keys that follow. */
	{"command", config_command, ALWAYS, 0},
	{"command_prefix", config_prefix, START | EACH, 0},
	{"setup_for", config_setup_for, START, 0},
	{"setup_unless_args", config_setup_unless_args, START, 0},
	{"command_suffix", config_suffix, START | EACH, 0},
	{"entrypoint", config_entrypoint, START | ALWAYS, 0},
	{"on_nonroot", read_nonroot, ALWAYS, 0},
	{"allow_root", read_allow_root, 0, 0},
	{"accounts", config_accounts, ALWAYS, 0}, /* names resolve with these */
	{"user", config_user, ALWAYS, 0},
	{"supplementary_groups", config_groups, ALWAYS, 0},
	{"cap_add", value_capabilities, WORKLOAD, offsetof(struct plan, workload.keep)},
	{"cap_add_optional", read_keep_optional, WORKLOAD | ALWAYS, 0},
	{"seccomp", config_seccomp, WORKLOAD | ALWAYS, 0}, /* needs the kept capabilities */
	{"ulimits", config_ulimits, PROCESS, 0},
	{"umask", config_umask, WORKLOAD, 0},
	{"unset_environment", read_unset, WORKLOAD, offsetof(struct plan, unset)},
	{"working_dir", key_pathname, WORKLOAD, offsetof(struct plan, working_dir)},
	{"oom_score_adj", config_oom_score_adj, PROCESS, 0},
	{"own_stdio", config_own_stdio, WORKLOAD | ALWAYS, 0},
	{"new_session", key_bool, WORKLOAD, offsetof(struct plan, new_session)},
	{"keep_fds", config_keep_fd, WORKLOAD | EACH, 0},
	{"report", config_report, WORKLOAD, 0},
	{"trace", key_bool, 0, offsetof(struct plan, trace)},
	{"init", read_init, WORKLOAD | ALWAYS, 0},
	{"setup", config_steps, 0, 0}, /* the owner `workload` is known by now */
	{NULL, NULL, 0, 0},
};

/*
 * Without a workload, a key about one would have no effect without saying so. Keys about the command line (entrypoint
 * and the like) are not refused: arguments may name a command, and then there is a workload.
 */
static void refuse_unused(struct plan *plan, const struct root_key *key, const struct node *node)
{
	const bool pause = plan->command == COMMAND_PAUSE;

	if (plan->command != COMMAND_RUN && key->flags & (pause ? WORKLOAD : WORKLOAD | PROCESS))
		value_problem(plan, node->key,
			      "\"%s\" does not go with \"command: %s\", which runs no workload: remove it", key->name,
			      pause ? "pause" : "none");
}

static void read_keys(struct plan *plan, const struct node *map)
{
	struct config_root root = {.node = map};

	if (!value_known(plan, map, root_keys, sizeof(*root_keys)))
		return;
	for (const struct root_key *key = root_keys; key->name; key++) {
		const struct node *node = yaml_get(map, key->name);
		if (node)
			refuse_unused(plan, key, node);
		if ((!node && !(key->flags & ALWAYS)) || (key->flags & START && config_is_beside(plan)))
			continue;
		void *to = key->offset ? (void *)((char *)plan + key->offset) : &root;
		if (key->flags & EACH)
			value_each(plan, node, key->read, to);
		else
			key->read(plan, node, to);
	}
}

/* A relative name is relative to the working directory. */
static const char *absolute(struct mem *mem, const char *file)
{
	const char *here = getcwd(NULL, 0);

	return here ? mem_format(mem, "%s/%s", here, file) : file;
}

/*
 * For --check and --explain, which act on nothing: whatever file -c names, such as one in a developer's checkout, or
 * standard input. NULL: it cannot be read, or is too large.
 */
static char *read_untrusted(struct plan *plan, const char *file, bool stdin_named, size_t *length)
{
	int fd = stdin_named ? STDIN_FILENO : fd_openat(AT_FDCWD, file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char *bytes = fd < 0 ? NULL : mem_alloc(plan->mem, YAML_LIMIT + 2);
	const ssize_t n = bytes ? fd_read_all(fd, bytes, YAML_LIMIT + 1, 0) : -1;

	*length = n < 0 ? 0 : (size_t)n;
	if (fd != STDIN_FILENO)
		fd_close(fd);
	return n >= 0 && n <= YAML_LIMIT ? bytes : NULL;
}

/* Reads FILE, or the options in its place, into a tree; NULL with a problem. */
static const struct node *read_config(struct plan *plan, const char *file)
{
	const bool stdin_named = strcmp(file, "-") == 0;
	const char *why = NULL, *path;
	char *bytes = NULL;
	size_t length;

	plan->file = file;
	plan->mem = plan->env.mem = &plan->problems.mem;
	if (plan->options)
		return plan->options;
	path = file[0] == '/' ? file : absolute(plan->mem, file);
	if (stdin_named)
		why = "standard input is for --check and --explain: a config that acts is a file that only root can write";
	else
		bytes = trust_read(plan->mem, path, YAML_LIMIT, &length, &why);
	if (!bytes && plan->file_named && plan->mode >= PLAN_CHECK) {
		bytes = read_untrusted(plan, file, stdin_named, &length);
		if (bytes) {
			problem_add(&plan->problems, file, 0, 0, "note: a start refuses it: %s", why);
			plan->problems.pending++;
		}
	}
	if (bytes)
		return yaml_read_flawed(&plan->problems, file, bytes, length);
	if (!stdin_named && errno == ENOENT)
		why = "there is no such file: COPY it into the image or mount it there, or name another one with -c";
	problem_add(&plan->problems, file, 0, 0, "%s", why);
	return NULL;
}

void config_read(struct plan *plan, enum plan_mode mode, const char *file, char **args, char **envp)
{
	plan->mode = mode;
	/* --check and --explain describe a start as root, whatever user calls them: an image build may have no root. */
	plan->nonroot = mode < PLAN_CHECK && plan->start.euid != 0;
	plan->run_setup = !config_is_beside(plan);

	const struct node *root = read_config(plan, file);
	if (!root)
		return;
	environ_start(&plan->env, &plan->problems, envp);
	for (; *args; args++)
		list_add(plan->mem, &plan->argv, *args);
	read_keys(plan, root);
	start_read_dispositions(&plan->start, (plan->nsteps || plan->nwishes ? START_TOUCHED : 0) |
						      (plan->init.on ? START_SIGNAL_BIT(SIGCHLD) : 0) |
						      (plan->new_session ? START_SIGNAL_BIT(SIGHUP) : 0));
	/* Without a setup, the workload's own start reports soon enough what is wrong with its program. */
	if (plan->problems.count <= plan->problems.pending && plan->argv.count &&
	    (plan->nsteps + plan->nwishes || plan->mode != PLAN_RUN))
		config_look_up(plan);
}

/* Reads only what a compiled profile depends on: the profile that the config names need not exist yet. */
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
	return filter_compile_file(&plan->problems, in, out, &target);
}

void config_must_hold(const struct plan *plan)
{
	problems_say(&plan->problems);
	if (plan->problems.count)
		_exit(DIAG_USER);
	if (plan->refused)
		diag_die(DIAG_SYSTEM, "cannot run \"%s\" from this start: %s", plan->file, plan->refused);
}
