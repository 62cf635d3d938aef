#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/nearest.h"

static const char help_text[] =
	"usage: capshim-learn [--check COMMAND] [-c FILE | --user SPEC ...] -- COMMAND ...\n"
	"Finds the smallest cap_add under which COMMAND still passes the check: runs it with\n"
	"nothing, adds what was denied, then takes each one away again.\n"
	"It runs COMMAND, as root's child, many times: do it where you test.\n"
	"\n"
	"  --check COMMAND|exit   passes when COMMAND exits with 0; it is tried again until then\n"
	"                         (exit, the default: the workload's own exit status)\n"
	"  --ready COMMAND        tried until it passes; then the check is run once\n"
	"  --timeout SECONDS      how long one run may take (default: 10)\n"
	"  --grace SECONDS        from SIGTERM to SIGKILL at the end of a run (default: 1)\n"
	"  --reset COMMAND        run between two runs, to put files back\n"
	"  --seccomp OUT.json     write a profile of the calls that were seen, and prove it\n"
	"  --back-end NAME        perf, ptrace or alone (default: the first that works here)\n"
	"  --log                  name the calls that lines of the kernel's log on standard input\n"
	"                         say were refused, and nothing else\n"
	"  --json                 the answer as one JSON object\n"
	"  -c, --config FILE, --user SPEC, --groups LIST, --allow-root, --init\n"
	"                         as for capshim; the cap_add of the config is not used\n"
	"  -h, --help, --version\n"
	"\n"
	"Exit status: 0 an answer was found, 1 the check never passed, 100 change the command\n"
	"line or the config, 111 the system refused, 130 interrupted.\n";

/* What an option does: it fills in a member of the options, belongs to capshim's own command line, or prints. */
enum learn_goal { GOAL_TEXT, GOAL_SECONDS, GOAL_FLAG, GOAL_SHIM, GOAL_HELP, GOAL_VERSION };

#define MEMBER(name) offsetof(struct learn_options, name)

static const struct learn_option {
	const char *name;
	enum learn_goal goal;
	bool value;
	size_t offset; /* of the member */
} learn_table[] = {
	{"--check", GOAL_TEXT, true, MEMBER(check)},
	{"--ready", GOAL_TEXT, true, MEMBER(ready)},
	{"--reset", GOAL_TEXT, true, MEMBER(reset)},
	{"--timeout", GOAL_SECONDS, true, MEMBER(timeout_ms)},
	{"--grace", GOAL_SECONDS, true, MEMBER(grace_ms)},
	{"--seccomp", GOAL_TEXT, true, MEMBER(profile)},
	{"--back-end", GOAL_TEXT, true, MEMBER(back_end)},
	{"--json", GOAL_FLAG, false, MEMBER(json)},
	{"--config", GOAL_SHIM, true, 0},
	{"-c", GOAL_SHIM, true, 0},
	{"--user", GOAL_SHIM, true, 0},
	{"--groups", GOAL_SHIM, true, 0},
	{"--allow-root", GOAL_SHIM, false, 0},
	{"--init", GOAL_SHIM, false, 0},
	{"--log", GOAL_FLAG, false, MEMBER(log)},
	{"--help", GOAL_HELP, false, 0},
	{"-h", GOAL_HELP, false, 0},
	{"--version", GOAL_VERSION, false, 0},
	{NULL, GOAL_SHIM, false, 0},
};

/* SECONDS with at most three digits, as milliseconds. */
static unsigned int seconds(const char *name, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (!digits || digits > 3 || text[digits])
		diag_die(DIAG_USER, "the option %s takes a number of seconds from 0 to 999: \"%s\"", name, text);
	return (unsigned int)strtoul(text, NULL, 10) * 1000;
}

static _Noreturn void print_and_exit(const char *text)
{
	exit(write(STDOUT_FILENO, text, strlen(text)) < 0 ? DIAG_SYSTEM : 0);
}

static void set_option(struct learn_options *to, const struct learn_option *option, const char *value)
{
	void *member = (char *)to + option->offset;

	switch (option->goal) {
	case GOAL_TEXT:
		*(const char **)member = value;
		break;
	case GOAL_SECONDS:
		*(unsigned int *)member = seconds(option->name, value);
		break;
	case GOAL_FLAG:
		*(bool *)member = true;
		break;
	case GOAL_HELP:
		print_and_exit(help_text);
	case GOAL_VERSION:
		print_and_exit("capshim-learn " CAPSHIM_VERSION "\n");
	case GOAL_SHIM:
		break;
	}
}

static const struct learn_option *learn_option_find(struct mem *mem, const char *word, const char **value)
{
	size_t length = strcspn(word, "=");
	const struct learn_option *option = named_row(mem_copy(mem, word, length), learn_table, sizeof(*learn_table));

	if (!option)
		args_unknown(word, learn_table, sizeof(*learn_table));
	*value = word[length] ? word + length + 1 : NULL;
	if (*value && !option->value)
		diag_die(DIAG_USER, "the option %s takes no value: \"%s\"", option->name, word);
	return option;
}

void learn_options_read(struct learn_options *to, const struct start *start, struct mem *mem, char **argv)
{
	static const char *const back_ends[] = {"perf", "ptrace", "alone", NULL};
	struct list shim = {0};
	char **word = argv + (*argv != NULL);

	*to = (struct learn_options){.timeout_ms = 10000, .grace_ms = 1000};
	list_add(mem, &shim, "capshim-learn");
	for (; *word && (*word)[0] == '-' && (*word)[1] && strcmp(*word, "--") != 0; word++) {
		const char *value;
		const struct learn_option *option = learn_option_find(mem, *word, &value);
		if (option->value && !value)
			value = word[1] ? *++word : NULL;
		if (option->value && (!value || !*value))
			diag_die(DIAG_USER, "the option %s needs a value behind it", option->name);
		if (option->goal == GOAL_SHIM) {
			list_add(mem, &shim, option->name);
			if (value)
				list_add(mem, &shim, value);
		}
		set_option(to, option, value ? value : "");
	}
	if (to->back_end && !named_row(to->back_end, back_ends, sizeof(*back_ends)))
		diag_die(DIAG_USER, "the option --back-end takes perf, ptrace or alone: \"%s\"", to->back_end);
	if (to->check && strcmp(to->check, "exit") == 0)
		to->check = NULL;
	if (to->log)
		return;
	list_add(mem, &shim, "--");
	for (word += *word && strcmp(*word, "--") == 0; *word; word++)
		list_add(mem, &shim, *word);
	args_read(&to->shim, start, mem, (int)shim.count, shim.items);
	if (to->profile && to->back_end && strcmp(to->back_end, "alone") == 0)
		diag_die(DIAG_USER, "the option --seccomp needs a back end that sees system calls: perf or ptrace");
	if (to->ready && !to->check)
		diag_die(DIAG_USER, "the option --ready needs --check: a command that is run once it passes");
}
