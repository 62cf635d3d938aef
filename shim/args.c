#include "args.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/nearest.h"

extern const char licenses_text[], versions_text[]; /* generated: of this project and of what is linked in */

/* Every option. One with a KEY is a line of a config: a flag means "true", and a list is split at commas. */
static const struct option {
	const char *name;
	char letter;             /* the short form, or 0 */
	enum args_action action; /* ARGS_RUN: the option is no action */
	unsigned int values;     /* how many words follow it */
	const char *shows;       /* the names of these words, in messages */
	const char *key;
	bool list;
} options[] = {
	{"--config", 'c', ARGS_RUN, 1, " FILE", NULL, false},
	{"--user", 0, ARGS_RUN, 1, " SPEC", "user", false},
	{"--groups", 0, ARGS_RUN, 1, " LIST", "supplementary_groups", true},
	{"--cap-add", 0, ARGS_RUN, 1, " LIST", "cap_add", true},
	{"--seccomp", 0, ARGS_RUN, 1, " WHAT", "seccomp", false},
	{"--allow-root", 0, ARGS_RUN, 0, "", "allow_root", false},
	{"--init", 0, ARGS_RUN, 0, "", "init", false},
	{"--report", 0, ARGS_RUN, 1, " FORM", "report", false},
	{"--as-workload", 0, ARGS_AS_WORKLOAD, 0, "", NULL, false},
	{"--check", 0, ARGS_CHECK, 0, "", NULL, false},
	{"--explain", 0, ARGS_EXPLAIN, 0, "[=json|=seccomp]", NULL, false},
	{"--explain-syscall", 0, ARGS_EXPLAIN_SYSCALL, 1, " NAME", NULL, false},
	{"--verify", 0, ARGS_VERIFY, 0, "[=json]", NULL, false},
	{"--inspect", 0, ARGS_INSPECT, 0, "[=json]", NULL, false},
	{"--compile-seccomp", 0, ARGS_COMPILE_SECCOMP, 2, " IN OUT", NULL, false},
	{"--version", 0, ARGS_VERSION, 0, "[=verbose]", NULL, false},
	{"--help", 'h', ARGS_HELP, 0, "", NULL, false},
	{"--licenses", 0, ARGS_LICENSES, 0, "", NULL, false},
	{NULL, 0, ARGS_RUN, 0, NULL, NULL, false},
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
		if (strlen(option->name) == length && strncmp(option->name, word, length) == 0) {
			*value = word[length] ? word + length + 1 : NULL;
			return option;
		}
	}
	args_unknown(word, options, sizeof(*options));
}

/* The action for OPTION with ATTACHED, such as --explain=json, which selects a form and is not a value. */
static enum args_action option_form(const struct option *option, const char **attached, bool *json)
{
	const char *word = *attached && option->shows[0] == '[' ? *attached : "";
	enum args_action form = option->action;

	if (strcmp(word, "json") == 0 && form != ARGS_VERSION)
		*json = true;
	else if (strcmp(word, "seccomp") == 0 && form == ARGS_EXPLAIN)
		form = ARGS_EXPLAIN_SYSCALL; /* for every system call */
	else if (strcmp(word, "verbose") == 0 && form == ARGS_VERSION)
		form = ARGS_VERSIONS;
	else
		return form;
	*attached = NULL;
	return form;
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

/* Does VALUE contain a control character, or what YAML takes for the end of a line: U+0085, U+2028 and U+2029? */
static bool breaks(const char *value)
{
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return true;
	return strstr(value, "\xc2\x85") || strstr(value, "\xe2\x80\xa8") || strstr(value, "\xe2\x80\xa9");
}

/* TEXT as one YAML scalar: in double quotes only these two characters have a meaning. */
static const char *option_scalar(struct mem *mem, const char *text, size_t length)
{
	char *whole = mem_array(mem, length + 2, 2), *to = whole;

	for (*to++ = '"'; length > 0; length--, text++) {
		if (*text == '"' || *text == '\\')
			*to++ = '\\';
		*to++ = *text;
	}
	*to = '"';
	return whole;
}

static const char *option_list(struct mem *mem, const char *text)
{
	const char *list = "";

	for (;; text++) {
		size_t length = strcspn(text, ",");
		list = mem_format(mem, "%s%s", list, option_scalar(mem, text, length));
		text += length;
		if (!*text)
			return mem_format(mem, "[%s]", list);
		list = mem_format(mem, "%s, ", list);
	}
}

/* Adds the config line that OPTION stands for. A list of one item stays a scalar, such as "none". */
static void add_line(struct args *args, struct mem *mem, const struct option *option, const char *value)
{
	struct plan_options *lines = args->options;

	if (!lines)
		args->options = lines = mem_alloc(mem, sizeof(*lines));
	for (size_t i = 0; i < lines->count; i++)
		if (lines->names[i] == option->name)
			diag_die(DIAG_USER, "the option %s is given twice", option->name);
	if (value && breaks(value))
		diag_die(DIAG_USER, "the option %s has a control character in its value: \"%s\"", option->name, value);
	lines->names[lines->count++] = option->name;
	lines->text = mem_format(mem, "%s%s: %s\n", lines->text ? lines->text : "", option->key,
				 !value                               ? "true"
				 : option->list && strchr(value, ',') ? option_list(mem, value)
								      : option_scalar(mem, value, strlen(value)));
}

void args_read(struct args *args, const struct start *start, struct mem *mem, int argc, char **argv)
{
	char **word = argv + (argc > 0);
	const struct option *action = NULL;

	refuse_setid(start);
	*args = (struct args){.action = ARGS_RUN};
	for (; *word && (*word)[0] == '-' && (*word)[1]; word++) {
		const char *attached, *values[2] = {NULL, NULL};
		if (strcmp(*word, "--") == 0) {
			word++;
			break;
		}
		const struct option *option = option_find(*word, &attached);
		const enum args_action form = option_form(option, &attached, &args->json);
		word = option_values(option, attached, word, values);
		if (option->key) {
			add_line(args, mem, option, values[0]);
			continue;
		}
		if (option->action == ARGS_RUN) {
			if (args->config)
				diag_die(DIAG_USER, "the option %s is given twice", option->name);
			args->config = values[0];
			continue;
		}
		if (action)
			diag_die(DIAG_USER, "the options %s and %s exclude each other", action->name, option->name);
		action = option;
		args->action = form;
		args->in = values[0];
		args->out = values[1];
	}
	if (args->config && args->options)
		diag_die(DIAG_USER, "the options --config and %s exclude each other", args->options->names[0]);
	if (*word && (args->action == ARGS_VERIFY || args->action == ARGS_INSPECT)) {
		args->in = *word++;
		if (args->in[strspn(args->in, "0123456789")] &&
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
