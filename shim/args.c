#include "args.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/nearest.h"

extern const char licenses_text[]; /* generated: of this project and of what is linked in */

/* What can be written, what it does, and its line of the help. */
static const struct option {
	const char *name;
	char letter;             /* the short form, or 0 */
	enum args_action action; /* ARGS_RUN: it is no action */
	unsigned int values;     /* how many words belong to it */
	const char *shows;       /* these, in the help */
	const char *help;
} options[] = {
	{"--config", 'c', ARGS_RUN, 1, " FILE", "the config (default: " ARGS_CONFIG ")"},
	{"--check", 0, ARGS_CHECK, 0, "", "report every problem of the config"},
	{"--explain", 0, ARGS_EXPLAIN, 0, "[=json]", "the plan in plain words, and what it needs"},
	{"--explain-syscall", 0, ARGS_EXPLAIN_SYSCALL, 1, " NAME", "what the filter answers to a system call, and why"},
	{"--compile-seccomp", 0, ARGS_COMPILE_SECCOMP, 2, " IN OUT", "compile the JSON profile IN to OUT"},
	{"--version", 0, ARGS_VERSION, 0, "", "print the version"},
	{"--help", 'h', ARGS_HELP, 0, "", "print this"},
	{"--licenses", 0, ARGS_LICENSES, 0, "", "print the licences of what is in this program"},
	{NULL, 0, ARGS_RUN, 0, NULL, NULL},
};

static const char usage[] = "usage: capshim [-c FILE] [--] [COMMAND [ARG ...]]\n"
			    "       capshim [-c FILE] --check | --explain [[--] COMMAND [ARG ...]]\n"
			    "\n"
			    "Runs the setup of the config as root, gives every privilege away but those\n"
			    "that the config names, proves that they are gone, and becomes COMMAND.\n"
			    "Options end at the first word that is not one, or at \"--\".\n"
			    "\n";

static const char statuses[] = "\n"
			       "Exit status: COMMAND's own, or\n"
			       "  100  change the command line or the config\n"
			       "  111  the system refused\n"
			       "  112  the state reached is not the one asked for\n"
			       "  126  COMMAND cannot be executed\n"
			       "  127  COMMAND was not found\n"
			       "The config is described in capshim.yaml(5).\n";

/*
 * Whoever starts a set-id program chooses its arguments and environment, and so would choose what root does.
 * AT_SECURE is no test for it: some security modules set it for every start of a container.
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

/* WORD is "-c", "-cFILE", "--config", "--config=FILE": *VALUE points at what is attached, or is NULL. */
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
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)length, word);
	const char *nearest = nearest_name(name, options, sizeof(*options));
	if (nearest)
		diag_die(DIAG_USER, "unknown option \"%s\": did you mean \"%s\"?", word, nearest);
	diag_die(DIAG_USER, "unknown option \"%s\": see --help, or write \"--\" in front of the workload's options",
		 word);
}

/* The values of OPTION: the one attached, or the words behind it. Returns the last word that it took. */
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

void args_read(struct args *args, const struct start *start, int argc, char **argv)
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
		if (option->action == ARGS_EXPLAIN && attached && strcmp(attached, "json") == 0) {
			args->json = true;
			attached = NULL;
		}
		word = option_values(option, attached, word, values);
		if (option->action == ARGS_RUN) {
			if (args->config)
				diag_die(DIAG_USER, "the option %s is given twice", option->name);
			args->config = values[0];
			continue;
		}
		if (action)
			diag_die(DIAG_USER, "the options %s and %s exclude each other", action->name, option->name);
		action = option;
		args->action = option->action;
		args->in = values[0];
		args->out = values[1];
	}
	args->command = word;
	if (*word && action && action->action != ARGS_CHECK && action->action != ARGS_EXPLAIN)
		diag_die(DIAG_USER, "the option %s stands alone: \"%s\" is too much", action->name, *word);
}

static bool print_help(void)
{
	if (dprintf(STDOUT_FILENO, "%s", usage) < 0)
		return false;
	for (const struct option *option = options; option->name; option++) {
		char left[64];
		snprintf(left, sizeof(left), "%c%c%s %s%s", option->letter ? '-' : ' ',
			 option->letter ? option->letter : ' ', option->letter ? "," : " ", option->name,
			 option->shows);
		if (dprintf(STDOUT_FILENO, "  %-31s %s\n", left, option->help) < 0)
			return false;
	}
	return dprintf(STDOUT_FILENO, "%s", statuses) >= 0;
}

int args_print(enum args_action action)
{
	bool printed;

	if (action == ARGS_VERSION)
		printed = dprintf(STDOUT_FILENO, "capshim %s\n", CAPSHIM_VERSION) >= 0;
	else if (action == ARGS_LICENSES)
		printed = dprintf(STDOUT_FILENO, "%s", licenses_text) >= 0;
	else
		printed = print_help();
	if (!printed)
		diag_die(DIAG_SYSTEM, "cannot print on standard output");
	return 0;
}
