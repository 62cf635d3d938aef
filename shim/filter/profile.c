#include <errno.h>
#include <string.h>

#include <linux/seccomp.h>

#include "base/nearest.h"
#include "filter/read.h"

/* The member KEY of MAP, or NULL if it is missing or null. */
static const struct node *member(const struct node *map, const char *key)
{
	const struct node *node = yaml_get(map, key);

	return filter_is_null(node) ? NULL : node;
}

/* Podman writes an error twice, as a number and by name (defaultErrno, errno): both must agree. */
static void check_errno(struct filter_reader *reader, const struct node *word, const struct node *number)
{
	static const struct {
		const char *name, *number;
	} errors[] = {
		{"EPERM", "1"},   {"ENOENT", "2"},   {"EACCES", "13"},       {"EINVAL", "22"},
		{"ENOSYS", "38"}, {"ENOTSUP", "95"}, {"EAFNOSUPPORT", "97"},
	};

	if (!word || !filter_is_scalar(reader, word))
		return;
	for (size_t i = 0; number && i < sizeof(errors) / sizeof(*errors); i++)
		if (strcmp(errors[i].name, word->text) == 0 && strcmp(errors[i].number, number->text) == 0)
			return;
	yaml_problem(reader->problems, word, "\"%s\" is not the name of the number beside it", word->text);
}

static const struct action {
	const char *name;
	uint32_t action;
	uint64_t max; /* largest number that it takes; 0: it takes none */
} actions[] = {
	{"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, 0},
	{"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, 0},
	{"SCMP_ACT_TRAP", SECCOMP_RET_TRAP, 0},
	{"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, 4094}, /* the kernel's MAX_ERRNO is 4095, libseccomp accepts less */
	{"SCMP_ACT_TRACE", SECCOMP_RET_TRACE, SECCOMP_RET_DATA},
	{"SCMP_ACT_LOG", SECCOMP_RET_LOG, 0},
	{"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, 0},
	{NULL, 0, 0},
};

/* The action NODE with the number WITH, which is EPERM if not written. */
static uint32_t read_action(struct filter_reader *reader, const struct node *node, const struct node *with)
{
	const struct action *action = named_row(node->text, actions, sizeof(*actions));
	uint64_t number = EPERM;

	if (!action) {
		yaml_problem(reader->problems, node,
			     strcmp(node->text, "SCMP_ACT_NOTIFY") == 0
				     ? "%s needs a supervisor that answers, and there is none"
				     : "unknown action \"%s\"",
			     node->text);
		return SECCOMP_RET_KILL_PROCESS;
	}
	if (with && action->max == 0)
		yaml_problem(reader->problems, with, "%s takes no error number", node->text);
	else if (with && !filter_read_number(reader, with, action->max, &number))
		return SECCOMP_RET_KILL_PROCESS;
	return action->action | (action->max ? (uint32_t)number : 0);
}

/* Reads what MAP says under the keys ACTION, NUMBER and WORD. */
static uint32_t read_decision(struct filter_reader *reader, const struct node *map, const char *action,
			      const char *number, const char *word)
{
	const struct node *node = member(map, action);
	const struct node *with = member(map, number);

	if (!node) {
		yaml_problem(reader->problems, map, "no \"%s\"", action);
		return SECCOMP_RET_KILL_PROCESS;
	}
	if (!filter_is_scalar(reader, node) || (with && !filter_is_scalar(reader, with)))
		return SECCOMP_RET_KILL_PROCESS;
	check_errno(reader, member(map, word), with);
	return read_action(reader, node, with);
}

/* False: a problem was added. */
static bool read_comparison(struct filter_reader *reader, const struct node *node, struct filter_condition *to)
{
	static const char *const operators[] = {"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",        "SCMP_CMP_EQ",
						"SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ", NULL};
	const struct node *at = member(node, "index"), *value = member(node, "value");
	const struct node *two = member(node, "valueTwo"), *how = member(node, "op");
	uint64_t index = 0;

	if (!at || !value || !how)
		return yaml_problem(reader->problems, node, "an argument needs \"index\", \"value\" and \"op\"");
	if (!filter_read_number(reader, at, FILTER_ARGS - 1, &index) ||
	    !filter_read_number(reader, value, UINT64_MAX, &to->value) ||
	    (two && !filter_read_number(reader, two, UINT64_MAX, &to->two)) || !filter_is_scalar(reader, how))
		return false;
	const char *const *name = named_row(how->text, operators, sizeof(*operators));
	if (!name)
		return yaml_problem(reader->problems, how, "unknown operator \"%s\"", how->text);
	to->index = (unsigned int)index;
	to->op = (enum filter_operator)(name - operators);
	if (two && (to->op == FILTER_MASKED_EQ ? (to->two & ~to->value) != 0 : to->two != 0))
		yaml_problem(reader->problems, two,
			     to->op == FILTER_MASKED_EQ
				     ? "\"value\" is the mask and lacks bits of \"valueTwo\": this can never hold"
				     : "\"valueTwo\" means nothing here: only SCMP_CMP_MASKED_EQ has it");
	for (size_t k = 0; k < reader->rule->nconditions; k++)
		if (reader->rule->conditions[k].index == to->index)
			/* runc and crun read such conditions as "one of them holds", which allows more. */
			return yaml_problem(
				reader->problems, at,
				"argument %u stands twice in one rule, which container engines read as \"or\" "
				"and others as \"and\": write two rules, or one condition",
				to->index);
	return true;
}

static void read_argument(struct filter_reader *reader, const struct node *node)
{
	static const struct filter_key keys[] = {
		{"index", NULL, false}, {"value", NULL, false}, {"valueTwo", NULL, false},
		{"op", NULL, false},    {NULL, NULL, false},
	};
	struct filter_condition condition = {.op = FILTER_NE};

	if (filter_read_map(reader, node, keys) && read_comparison(reader, node, &condition))
		reader->rule->conditions[reader->rule->nconditions++] = condition;
}

/* A call that is not known cannot be filtered: harmless if it was to be allowed, otherwise a hole. */
static void read_names(struct filter_reader *reader, struct filter_rule *rule)
{
	const bool denies = filter_rank(rule->action) < filter_rank(SECCOMP_RET_TRACE);

	rule->calls = mem_array(&reader->problems->mem, rule->names->count + 1, sizeof(*rule->calls));
	for (const struct node *name = NULL; (name = yaml_item(rule->names, name));) {
		const int call = filter_is_scalar(reader, name) ? call_find(name->text) : -1;
		if (call >= 0)
			rule->calls[rule->ncalls++] = (uint16_t)call;
		else if (name->kind == NODE_SCALAR && denies && rule->here)
			yaml_problem(reader->problems, name, "unknown system call \"%s\": it cannot be denied by name",
				     name->text);
	}
}

static void read_comment(struct filter_reader *reader, const struct node *node)
{
	if (filter_is_scalar(reader, node) && *node->text)
		reader->rule->comment = node->text;
}

static void read_rule(struct filter_reader *reader, const struct node *node)
{
	static const struct filter_key keys[] = {
		{"names", NULL, false},
		{"name", NULL, false},
		{"action", NULL, false},
		{"errnoRet", NULL, false},
		{"errno", NULL, false},
		{"args", read_argument, true},
		{"comment", read_comment, false},
		{"includes", filter_read_includes, false},
		{"excludes", filter_read_excludes, false},
		{NULL, NULL, false},
	};
	struct filter_rule *rule = mem_alloc(&reader->problems->mem, sizeof(*rule));

	rule->node = node;
	rule->here = true;
	reader->rule = rule;
	if (!filter_read_map(reader, node, keys))
		return;
	rule->action = read_decision(reader, node, "action", "errnoRet", "errno");
	const struct node *names = member(node, "names"), *name = member(node, "name");
	rule->names = names ? names : name;
	if (!rule->names || (names && name))
		yaml_problem(reader->problems, node, "a rule has either \"names\" or \"name\"");
	else
		read_names(reader, rule);
	*reader->end = rule;
	reader->end = &rule->next;
}

static void read_flag(struct filter_reader *reader, const struct node *node)
{
	static const struct flag {
		const char *name;
		unsigned int flag;
	} flags[] = {
		{"SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC},
		{"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
		{"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
		{NULL, 0},
	};

	if (!filter_is_scalar(reader, node))
		return;
	const struct flag *flag = named_row(node->text, flags, sizeof(*flags));
	if (flag)
		reader->profile->flags |= flag->flag;
	else
		yaml_problem(reader->problems, node, "unknown flag \"%s\", or one for a supervisor", node->text);
}

static void refuse_listener(struct filter_reader *reader, const struct node *node)
{
	yaml_problem(reader->problems, node->key, "\"%s\" is for SCMP_ACT_NOTIFY, which needs a supervisor",
		     node->key->text);
}

bool filter_profile_read(struct filter_profile *profile, struct problems *problems, const struct node *node,
			 const struct filter_target *target)
{
	static const struct filter_key keys[] = {
		{"defaultAction", NULL, false},
		{"defaultErrnoRet", NULL, false},
		{"defaultErrno", NULL, false},
		{"architectures", filter_read_arch, true},
		{"archMap", filter_read_arch_map, true},
		{"flags", read_flag, true},
		{"listenerPath", refuse_listener, false},
		{"listenerMetadata", refuse_listener, false},
		{"comment", NULL, false},
		{"syscalls", read_rule, true},
		{NULL, NULL, false},
	};
	struct filter_reader reader = {.problems = problems, .profile = profile, .target = target};
	const size_t before = problems->count;

	memset(profile, 0, sizeof(*profile));
	profile->abis[0] = true;
	reader.end = &profile->rules;
	if (filter_read_map(&reader, node, keys)) {
		profile->action = read_decision(&reader, node, "defaultAction", "defaultErrnoRet", "defaultErrno");
		if (member(node, "architectures") && member(node, "archMap"))
			yaml_problem(problems, node, "a profile has either \"architectures\" or \"archMap\"");
		filter_read_changes(&reader);
	}
	return problems->count == before;
}
