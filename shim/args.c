#include "args.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/nearest.h"

extern const char licenses_text[], versions_text[]; /* generated: of this project and of what is linked in */

/* Every option. One with a KEY stands for a line of a config: a flag for "true", a LIST is split at commas. */
static const struct option {
	const char *name;
	char letter;             /* the short form, or 0 */
	const char *form;        /* what is behind "=", if it belongs to the option and is no value */
	enum args_action action; /* ARGS_RUN: the option is no action */
	unsigned int values;     /* how many words follow it */
	const char *shows;       /* the names of these words, in messages */
	const char *key;
	bool list;
} options[] = {
	{"--config", 'c', NULL, ARGS_RUN, 1, " FILE", NULL, false},
	{"--user", 0, NULL, ARGS_RUN, 1, " SPEC", "user", false},
	{"--groups", 0, NULL, ARGS_RUN, 1, " LIST", "supplementary_groups", true},
	{"--cap-add", 0, NULL, ARGS_RUN, 1, " LIST", "cap_add", true},
	{"--seccomp", 0, NULL, ARGS_RUN, 1, " WHAT", "seccomp", false},
	{"--allow-root", 0, NULL, ARGS_RUN, 0, "", "allow_root", false},
	{"--init", 0, NULL, ARGS_RUN, 0, "", "init", false},
	{"--report", 0, NULL, ARGS_RUN, 1, " FORM", "report", false},
	{"--as-workload", 0, NULL, ARGS_AS_WORKLOAD, 0, "", NULL, false},
	{"--check", 0, NULL, ARGS_CHECK, 0, "", NULL, false},
	{"--explain", 0, "json", ARGS_EXPLAIN, 0, "", NULL, false},
	{"--explain", 0, "seccomp", ARGS_EXPLAIN_SYSCALL, 0, "", NULL, false}, /* of every system call */
	{"--explain", 0, NULL, ARGS_EXPLAIN, 0, "", NULL, false},
	{"--explain-syscall", 0, NULL, ARGS_EXPLAIN_SYSCALL, 1, " NAME", NULL, false},
	{"--verify", 0, "json", ARGS_VERIFY, 0, "", NULL, false},
	{"--verify", 0, NULL, ARGS_VERIFY, 0, "", NULL, false},
	{"--inspect", 0, "json", ARGS_INSPECT, 0, "", NULL, false},
	{"--inspect", 0, NULL, ARGS_INSPECT, 0, "", NULL, false},
	{"--compile-seccomp", 0, NULL, ARGS_COMPILE_SECCOMP, 2, " IN OUT", NULL, false},
	{"--version", 0, "verbose", ARGS_VERSIONS, 0, "", NULL, false},
	{"--version", 0, NULL, ARGS_VERSION, 0, "", NULL, false},
	{"--help", 'h', NULL, ARGS_HELP, 0, "", NULL, false},
	{"--licenses", 0, NULL, ARGS_LICENSES, 0, "", NULL, false},
	{NULL, 0, NULL, ARGS_RUN, 0, NULL, NULL, false},
};

/* At most 23 lines of 80 columns, so that a terminal shows all of it. */
static const char help[] = "usage: capshim [-c FILE | --user SPEC ...] [--] [COMMAND [ARG ...]]\n"
			   "Runs the setup of the config as root, drops every privilege that the config\n"
			   "does not name, proves that it is gone, and becomes COMMAND.\n"
			   "Options end at the first word that is not one, or at \"--\".\n"
			   "\n"
			   "  -c, --config FILE         the config (default: " ARGS_CONFIG ")\n"
			   "  --user SPEC               no config: NAME, UID, NAME:GROUP or UID:GID, with\n"
			   "  --groups LIST, --cap-add LIST, --seccomp WHAT, --allow-root, --init,\n"
			   "  --report FORM             as the keys of a config; a LIST is A,B\n"
			   "  --as-workload             run COMMAND as the workload runs, without the setup\n"
			   "  --check                   report every problem of the config\n"
			   "  --explain[=json|=seccomp] the plan in plain words; all answers of the filter\n"
			   "  --explain-syscall NAME    what the filter answers to a system call, and why\n"
			   "  --verify[=json] [PID]     does any process hold more than the config names?\n"
			   "  --inspect[=json] [PID]    what processes (or: all) hold, and what it is worth\n"
			   "  --compile-seccomp IN OUT  compile the JSON profile IN to OUT\n"
			   "  -h, --help, --version[=verbose], --licenses\n"
			   "\n"
			   "Exit status: COMMAND's own, or\n"
			   "  100  change the command line or the config     111  the system refused\n"
			   "  112  the state reached is not the one asked for\n"
			   "  126  COMMAND cannot be executed                127  COMMAND was not found\n"
			   "The config is described in capshim.yaml(5).\n";

/*
 * The user who starts a set-id program chooses its arguments and environment, and would choose what root does.
 * AT_SECURE is not a usable test: some security modules set it for every start of a container.
 */
static void refuse_setid(const struct start *start)
{
	if (start->uid != start->euid)
		diag_die(DIAG_SYSTEM, "cannot start set-id: uid %u, effective uid %u (remove the bit: chmod u-s)",
			 start->uid, start->euid);
	if (start->gid != start->egid)
		diag_die(DIAG_SYSTEM, "cannot start set-id: gid %u, effective gid %u (remove the bit: chmod g-s)",
			 start->gid, start->egid);
}

void args_unknown(const char *word, const void *rows, size_t size)
{
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	const char *nearest = nearest_name(name, rows, size);
	diag_die(DIAG_USER, "unknown option \"%s\": %s%s%swrite \"--\" in front of the workload's options", word,
		 nearest ? "did you mean \"" : "see --help, or ", nearest ? nearest : "",
		 nearest ? "\"? If not, " : "");
}

/*
 * Finds the option of WORD: "-c", "-cFILE", "--config" or "--config=FILE". *VALUE points at the attached value, or is
 * NULL.
 */
static const struct option *option_find(const char *word, const char **value)
{
	size_t length = strcspn(word, "=");

	*value = NULL;
	for (const struct option *option = options; option->name; option++) {
		if (option->letter && word[1] == option->letter && (option->values || !word[2])) {
			*value = word[2] ? word + 2 : NULL;
			return option;
		}
		if (strlen(option->name) != length || strncmp(option->name, word, length) != 0)
			continue;
		*value = word[length] ? word + length + 1 : NULL;
		if (!option->form)
			return option;
		if (*value && strcmp(*value, option->form) == 0) {
			*value = NULL;
			return option;
		}
	}
	args_unknown(word, options, sizeof(*options));
}

/* Reads the values of OPTION: the attached one, or the words after it. Returns the last word that it took. */
static char **option_values(const struct option *option, const char *attached, char **word, const char **values)
{
	const char *given = *word;

	if (attached && option->values == 0)
		diag_die(DIAG_USER, "the option %s takes no value: \"%s\"", option->name, given);
	for (unsigned int i = 0; i < option->values; i++) {
		if (attached && i == 0)
			values[i] = attached;
		else if (word[1])
			values[i] = *++word;
		else
			diag_die(DIAG_USER, "the option %s needs%s behind it", option->name, option->shows);
		if (!values[i][0])
			diag_die(DIAG_USER, "the option %s needs%s, not an empty word", option->name, option->shows);
	}
	return word;
}

/* No key has a use for a control character. */
static bool has_control(const char *value)
{
	while ((unsigned char)*value >= 0x20 && *value != 0x7f)
		value++;
	return *value != '\0';
}

/* A value of a config: without a line, so that a problem names OPTION in the place of a file. */
static struct node *option_node(struct mem *mem, const char *option, enum node_kind kind, const char *text)
{
	struct node *node = mem_alloc(mem, sizeof(*node));

	*node = (struct node){.kind = kind, .quoted = true, .file = option, .text = text};
	return node;
}

/* What OPTION with VALUE stands for. A list of one item stays a scalar, such as "none". */
static struct node *option_value(struct mem *mem, const struct option *option, const char *value)
{
	char *rest = mem_text(mem, value ? value : "true"), *item;

	if (!option->list || !strchr(rest, ','))
		return option_node(mem, option->name, NODE_SCALAR, rest);
	struct node *list = option_node(mem, option->name, NODE_LIST, NULL), **end = &list->first;
	for (; (item = strsep(&rest, ",")); list->count++) {
		*end = option_node(mem, option->name, NODE_SCALAR, item);
		end = &(*end)->next;
	}
	return list;
}

static void add_key(struct node *config, struct mem *mem, const struct option *option, const char *value)
{
	struct node **end = &config->first;

	for (; *end; end = &(*end)->next)
		if ((*end)->file == option->name)
			diag_die(DIAG_USER, "the option %s is given twice", option->name);
	if (value && has_control(value))
		diag_die(DIAG_USER, "the option %s has a control character in its value: \"%s\"", option->name, value);
	*end = option_value(mem, option, value);
	(*end)->key = option_node(mem, option->name, NODE_SCALAR, option->key);
	config->count++;
}

void args_read(struct args *args, const struct start *start, struct mem *mem, int argc, char **argv)
{
	char **word = argv + (argc > 0);
	const struct option *action = NULL;

	refuse_setid(start);
	*args = (struct args){.action = ARGS_RUN, .config = ARGS_CONFIG};
	for (; *word && (*word)[0] == '-' && (*word)[1]; word++) {
		const char *attached, *values[2] = {NULL, NULL};
		if (strcmp(*word, "--") == 0) {
			word++;
			break;
		}
		const struct option *option = option_find(*word, &attached);
		word = option_values(option, attached, word, values);
		if (option->key) {
			if (!args->options)
				args->options = option_node(mem, "command line", NODE_MAP, NULL);
			add_key(args->options, mem, option, values[0]);
			continue;
		}
		if (option->action == ARGS_RUN) {
			if (args->config_named)
				diag_die(DIAG_USER, "the option %s is given twice", option->name);
			args->config_named = true;
			args->config = values[0];
			continue;
		}
		if (action)
			diag_die(DIAG_USER, "the options %s and %s exclude each other", action->name, option->name);
		action = option;
		args->action = option->action;
		args->json = option->form && strcmp(option->form, "json") == 0;
		args->in = values[0];
		args->out = values[1];
	}
	if (args->config_named && args->options)
		diag_die(DIAG_USER, "the options --config and %s exclude each other", args->options->first->file);
	if (args->options)
		args->config = args->options->file;
	if (*word && (args->action == ARGS_VERIFY || args->action == ARGS_INSPECT)) {
		args->in = *word++;
		if ((!args->in[0] || args->in[strspn(args->in, "0123456789")]) &&
		    (args->action == ARGS_VERIFY || strcmp(args->in, "all") != 0))
			diag_die(DIAG_USER, "the option %s takes the number of a process: \"%s\"", action->name,
				 args->in);
	}
	args->command = word;
	if (!*word && args->action == ARGS_AS_WORKLOAD)
		diag_die(DIAG_USER, "the option --as-workload needs a command behind it");
	if (*word && action && action->action != ARGS_AS_WORKLOAD && action->action != ARGS_CHECK &&
	    action->action != ARGS_EXPLAIN && action->action != ARGS_EXPLAIN_SYSCALL)
		diag_die(DIAG_USER, "the option %s stands alone: \"%s\" is too much", action->name, *word);
}

int args_print(enum args_action action)
{
	const char *text = action == ARGS_VERSION    ? "capshim " CAPSHIM_VERSION "\n"
			   : action == ARGS_VERSIONS ? versions_text
			   : action == ARGS_LICENSES ? licenses_text
						     : help;

	diag_print("%s", text);
	return 0;
}
