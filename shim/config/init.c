#include <signal.h>
#include <string.h>
#include <strings.h>

#include "base/diag.h"
#include "base/text.h"
#include "config/config.h"
#include "config/parts.h"

static const struct signal_row {
	const char *name;
	int number;
} signal_table[] = {
	{"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT},        {"ILL", SIGILL},   {"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},     {"BUS", SIGBUS},   {"FPE", SIGFPE},          {"KILL", SIGKILL}, {"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},     {"USR2", SIGUSR2}, {"PIPE", SIGPIPE},        {"ALRM", SIGALRM}, {"TERM", SIGTERM},
	{"STKFLT", SIGSTKFLT}, {"CHLD", SIGCHLD}, {"CONT", SIGCONT},        {"STOP", SIGSTOP}, {"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},     {"TTOU", SIGTTOU}, {"URG", SIGURG},          {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH},      {"IO", SIGIO},     {"PWR", SIGPWR},
	{"SYS", SIGSYS},       {"RTMIN", 34},     {"RTMAX", START_SIGNALS}, {NULL, 0},
};

/* TERM, SIGTERM, 15, RTMIN+3 or RTMAX-1, as in kill(1); 0: not a signal. RTMIN is libc's 34. */
static int signal_number(const char *text)
{
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	uint64_t number;
	if (text_is_number(text, 10, 2, &number))
		return number <= START_SIGNALS ? (int)number : 0;
	size_t length = strcspn(text, "+-");
	for (const struct signal_row *row = signal_table; row->name; row++) {
		if (strlen(row->name) != length || strncasecmp(text, row->name, length) != 0)
			continue;
		if (!text[length])
			return row->number;
		if (row->number < 34 || !text_is_number(text + length + 1, 10, 2, &number))
			return 0;
		const int other = row->number + (text[length] == '+' ? 1 : -1) * (int)number;
		return other >= 34 && other <= START_SIGNALS ? other : 0;
	}
	return 0;
}

static int read_signal(struct plan *plan, const struct node *node, const char *text)
{
	int number = signal_number(text);

	if (number == 0)
		value_problem(plan, node, "\"%s\" is not a signal: write a name such as TERM or RTMIN+3", text);
	return number;
}

/* False, with a problem that says what it CANNOT be, for the three signals that an init never forwards. */
static bool is_forwarded(struct plan *plan, const struct node *node, int number, const char *name, const char *cannot)
{
	return (number != SIGKILL && number != SIGSTOP && number != SIGCHLD) ||
	       value_problem(plan, node, "%s cannot be %s: %s", name, cannot,
			     number == SIGCHLD ? "the init needs it" : "the kernel does not deliver it to an init");
}

/* False, with a problem that names both, where WAS is a key that means the same as KEY. */
static bool is_first(struct plan *plan, const struct node **was, const struct node *key)
{
	const struct node *const first = *was;

	*was = key;
	return !first || value_problem(plan, key, "\"%s\" is the same as \"%s\" in line %u: keep one", key->text,
				       first->text, first->line);
}

static void read_signal_map(struct plan *plan, const struct node *node, void *)
{
	const struct node *keys[START_SIGNALS + 1] = {NULL};

	if (!value_is_map(plan, node, " such as {TERM: QUIT, HUP: ignore}"))
		return;
	for (const struct node *n = node->first; n; n = n->next) {
		const char *text = value_text(plan, n);
		int from = read_signal(plan, n->key, n->key->text);
		int as = !text || strcmp(text, "ignore") == 0 ? INIT_IGNORE : read_signal(plan, n, text);
		if (is_forwarded(plan, n->key, from, n->key->text, "mapped") && from && as &&
		    is_first(plan, &keys[from], n->key))
			plan->init.signal_map[from] = (signed char)as;
	}
}

static void read_exit_code_map(struct plan *plan, const struct node *node, void *)
{
	const struct node *keys[256] = {NULL};

	if (!value_is_map(plan, node, " such as {143: 0}"))
		return;
	for (const struct node *n = node->first; n; n = n->next) {
		long long from, as;
		if (!value_number(plan, n->key, 0, 255, &from) || !value_number(plan, n, 0, 255, &as))
			continue;
		if (from == DIAG_SYSTEM || from == DIAG_UNPROVEN)
			value_problem(plan, n->key,
				      "%lld cannot be mapped: it says that capshim refused, and that must be seen",
				      from);
		if (is_first(plan, &keys[from], n->key))
			plan->init.exit_code_map[from] = (unsigned char)as;
	}
}

static void read_target(struct plan *plan, const struct node *node, void *)
{
	plan->init.signal_target = value_word(plan, node, NAMES("process", "group"));
}

static void read_wait_until(struct plan *plan, const struct node *node, void *)
{
	plan->init.wait_all = value_word(plan, node, NAMES("main", "all"));
}

static void read_grace(struct plan *plan, const struct node *node, void *)
{
	unsigned int seconds;

	if (node->kind == NODE_SCALAR && strcmp(node->text, "none") == 0)
		return;
	if (value_seconds(plan, node, &seconds))
		plan->init.stop_grace_seconds = (int)seconds;
}

static void read_stop_signal(struct plan *plan, const struct node *node, void *)
{
	const char *text = value_text(plan, node);
	int number = text ? read_signal(plan, node, text) : 0;

	if (number && is_forwarded(plan, node, number, text, "a stop signal"))
		plan->init.stop_signals |= START_SIGNAL_BIT(number);
}

static void read_stop_signals(struct plan *plan, const struct node *node, void *to)
{
	plan->init.stop_signals = 0;
	value_each(plan, node, read_stop_signal, to);
}

static const struct key init_keys[] = {
	{"signal_target", read_target, 0},
	{"signal_map", read_signal_map, 0},
	{"exit_code_map", read_exit_code_map, 0},
	{"wait_until", read_wait_until, 0},
	{"stop_signals", read_stop_signals, 0},
	{"stop_grace_period", read_grace, 0},
	{NULL, NULL, 0},
};

void config_init(struct plan *plan, const struct node *node, void *root)
{
	for (int signal = 0; signal <= START_SIGNALS; signal++)
		plan->init.signal_map[signal] = (signed char)signal;
	for (int status = 0; status < 256; status++)
		plan->init.exit_code_map[status] = (unsigned char)status;
	plan->init.stop_signals = START_SIGNAL_BIT(SIGTERM) | START_SIGNAL_BIT(SIGINT) | START_SIGNAL_BIT(SIGQUIT);
	plan->init.stop_grace_seconds = INIT_NO_GRACE;
	if (!node)
		return;
	if (node->kind == NODE_SCALAR) {
		(void)value_bool(plan, node, &plan->init.on);
		return;
	}
	plan->init.on = true;
	value_map(plan, node, init_keys, root);
}

/* The name of a signal in a config: TERM, RTMIN+3. */
static const char *signal_name(struct mem *mem, int number)
{
	for (const struct signal_row *row = signal_table; row->name; row++)
		if (row->number == number)
			return row->name;
	return mem_format(mem, number < 34 ? "%d" : "RTMIN+%d", number < 34 ? number : number - 34);
}

const char *config_init_explained(struct plan *plan)
{
	struct mem *mem = plan->mem;
	const char *signals = "", *grace = "", *map = "";

	for (int number = 1; number <= START_SIGNALS; number++) {
		const int as = plan->init.signal_map[number];
		const char *name = signal_name(mem, number);
		if (plan->init.stop_signals & START_SIGNAL_BIT(number) && as != INIT_IGNORE)
			signals = mem_format(mem, "%s%s%s", signals, *signals ? ", " : "", name);
		if (as != number)
			map = mem_format(mem, "%s; %s %s%s", map, name, as == INIT_IGNORE ? "ignored" : "becomes ",
					 as == INIT_IGNORE ? "" : signal_name(mem, as));
	}
	if (plan->init.stop_grace_seconds != INIT_NO_GRACE)
		grace = mem_format(mem, "; SIGKILL after %d s", plan->init.stop_grace_seconds);
	return mem_format(mem, "capshim stays, without privileges; stop signals%s: %s%s%s",
			  plan->init.wait_all ? ", to every descendant" : "", *signals ? signals : "none", map, grace);
}
