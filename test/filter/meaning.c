#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <linux/audit.h>

#include "base/capability.h"
#include "filter/filter.h"
#include "meaning.h"

#define X32_BIT UINT32_C(0x40000000)

static const struct node *member(const struct node *map, const char *key)
{
	const struct node *node = map ? yaml_get(map, key) : NULL;

	return !node || (node->text && !node->quoted && strcmp(node->text, "null") == 0) ? NULL : node;
}

/* A member that every accepted profile has. */
static const char *text_of(const struct node *map, const char *key)
{
	const struct node *node = member(map, key);

	if (!node || !node->text)
		abort();
	return node->text;
}

/* The items of a list, or the one value that stands for it. */
static const struct node *first(const struct node *list)
{
	return list && list->kind == NODE_LIST ? list->first : list;
}

static const struct node *following(const struct node *list, const struct node *item)
{
	return list->kind == NODE_LIST ? item->next : NULL;
}

static bool holds_text(const struct node *list, const char *text)
{
	for (const struct node *n = first(list); n; n = following(list, n))
		if (strcmp(n->text, text) == 0)
			return true;
	return false;
}

static uint32_t action_of(const struct node *map, const char *key, const char *number)
{
	static const struct {
		const char *name;
		uint32_t action;
	} actions[] = {
		{"KILL", SECCOMP_RET_KILL_THREAD},
		{"KILL_THREAD", SECCOMP_RET_KILL_THREAD},
		{"KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
		{"TRAP", SECCOMP_RET_TRAP},
		{"ERRNO", SECCOMP_RET_ERRNO},
		{"TRACE", SECCOMP_RET_TRACE},
		{"LOG", SECCOMP_RET_LOG},
		{"ALLOW", SECCOMP_RET_ALLOW},
	};
	const struct node *with = member(map, number);
	const char *name = text_of(map, key) + strlen("SCMP_ACT_");

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(name, actions[i].name) == 0) {
			uint32_t action = actions[i].action;
			if (action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE)
				action |= with ? (uint32_t)strtoul(with->text, NULL, 10) : EPERM;
			return action;
		}
	abort();
}

static const char *machine(void)
{
	return seccomp_arch_native() == SCMP_ARCH_X86_64 ? "amd64" : "arm64";
}

/* Does what stands under includes or excludes hold? ANY: one of the capabilities is enough. */
static bool caps_hold(const struct node *where, uint64_t keep, bool any)
{
	const struct node *caps = member(where, "caps");
	bool all = true, one = false;

	for (const struct node *n = first(caps); n; n = following(caps, n)) {
		bool kept = keep & CAPABILITY_BIT(capability_number(n->text));
		all = all && kept;
		one = one || kept;
	}
	return any ? one : all;
}

static bool kernel_reached(const struct node *where, const struct meaning_target *target)
{
	char *end;
	unsigned long major = strtoul(text_of(where, "minKernel"), &end, 10);
	unsigned long minor = strtoul(end + 1, NULL, 10);

	return target->kernel_major > major || (target->kernel_major == major && target->kernel_minor >= minor);
}

static bool applies(const struct node *rule, const struct meaning_target *target)
{
	const struct node *in = member(rule, "includes"), *out = member(rule, "excludes");
	const struct node *in_arches = member(in, "arches"), *out_arches = member(out, "arches");

	if (in_arches && (in_arches->kind != NODE_LIST || in_arches->count) && !holds_text(in_arches, machine()))
		return false;
	if (out_arches && holds_text(out_arches, machine()))
		return false;
	if (!caps_hold(in, target->keep, false) || caps_hold(out, target->keep, true))
		return false;
	if (member(in, "minKernel") && !kernel_reached(in, target))
		return false;
	return !member(out, "minKernel") || !kernel_reached(out, target);
}

/* The number of NAME on its own, also where libseccomp prefers to name socketcall(2) or ipc(2). */
static int number_of(uint32_t arch, const char *name)
{
	int number = seccomp_syscall_resolve_name_arch(arch, name);

	for (int n = 0; number < 0 && number > -1000 && number != __NR_SCMP_ERROR && n < MEANING_NUMBERS; n++) {
		char *found = seccomp_syscall_resolve_num_arch(arch, n);
		if (found && strcmp(found, name) == 0)
			number = n;
		free(found);
	}
	return number;
}

uint32_t meaning_slot(uint32_t arch, uint32_t number)
{
	if (arch == AUDIT_ARCH_ARM && number >= MEANING_PRIVATE &&
	    number - MEANING_PRIVATE < MEANING_SLOTS - MEANING_NUMBERS)
		return MEANING_NUMBERS + number - MEANING_PRIVATE;
	return number < MEANING_NUMBERS ? number : MEANING_SLOTS;
}

uint32_t meaning_number(uint32_t slot)
{
	return slot < MEANING_NUMBERS ? slot : MEANING_PRIVATE + slot - MEANING_NUMBERS;
}

static void read_names(struct meaning *meaning, struct meaning_rule *rule, const struct node *names)
{
	for (const struct node *n = first(names); n; n = following(names, n))
		for (size_t a = 0; a < meaning->narchs; a++) {
			int number = number_of(meaning->archs[a], n->text);
			if (number < 0)
				continue;
			uint32_t slot = meaning_slot(meaning->archs[a], (uint32_t)number & ~X32_BIT);
			if (slot < MEANING_SLOTS)
				rule->decides[a][slot] = 1;
			if (slot >= MEANING_NUMBERS)
				continue;
			/* Those that libseccomp hides count no more than they do for the filter. */
			if (seccomp_syscall_resolve_name_arch(meaning->archs[a], n->text) > (int)meaning->newest[a])
				meaning->newest[a] = (uint32_t)number;
		}
}

static void read_rule(struct meaning *meaning, const struct node *node, const struct meaning_target *target)
{
	struct meaning_rule *rule = mem_alloc(meaning->mem, sizeof(*rule));
	const struct node *args = member(node, "args");

	rule->names = member(node, "names") ? member(node, "names") : member(node, "name");
	read_names(meaning, rule, rule->names);
	if (!applies(node, target))
		return;
	rule->action = action_of(node, "action", "errnoRet");
	for (const struct node *n = first(args); n; n = following(args, n)) {
		struct meaning_condition *c = &rule->conditions[rule->nconditions++];
		c->index = (unsigned int)strtoul(text_of(n, "index"), NULL, 10);
		c->op = text_of(n, "op") + strlen("SCMP_CMP_");
		c->value = strtoull(text_of(n, "value"), NULL, 10);
		c->two = member(n, "valueTwo") ? strtoull(member(n, "valueTwo")->text, NULL, 10) : 0;
	}
	*meaning->end = rule;
	meaning->end = &rule->next;
}

static void add_arch(struct meaning *meaning, const char *name)
{
	static const struct {
		const char *name;
		uint32_t arch, native;
	} archs[] = {
		{"SCMP_ARCH_X86", SCMP_ARCH_X86, SCMP_ARCH_X86_64},
		{"SCMP_ARCH_X32", SCMP_ARCH_X32, SCMP_ARCH_X86_64},
		{"SCMP_ARCH_ARM", SCMP_ARCH_ARM, SCMP_ARCH_AARCH64},
	};

	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		bool new = strcasecmp(name, archs[i].name) == 0 && archs[i].native == meaning->archs[0];
		for (size_t a = 0; a < meaning->narchs; a++)
			new = new && meaning->archs[a] != archs[i].arch;
		if (new)
			meaning->archs[meaning->narchs++] = archs[i].arch;
	}
}

static void read_archs(struct meaning *meaning, const struct node *profile)
{
	const char *native = seccomp_arch_native() == SCMP_ARCH_X86_64 ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64";
	const struct node *list = member(profile, "architectures"), *map = member(profile, "archMap");

	meaning->archs[meaning->narchs++] = seccomp_arch_native();
	for (const struct node *n = first(list); n; n = following(list, n))
		add_arch(meaning, n->text);
	for (const struct node *entry = first(map); entry; entry = following(map, entry)) {
		const struct node *subs = member(entry, "subArchitectures");
		if (strcasecmp(text_of(entry, "architecture"), native) != 0)
			continue;
		for (const struct node *n = first(subs); n; n = following(subs, n))
			add_arch(meaning, n->text);
	}
}

void meaning_read(struct meaning *meaning, struct mem *mem, const struct node *profile,
		  const struct meaning_target *target)
{
	const struct node *rules = member(profile, "syscalls");

	memset(meaning, 0, sizeof(*meaning));
	meaning->mem = mem;
	meaning->end = &meaning->rules;
	meaning->action = action_of(profile, "defaultAction", "defaultErrnoRet");
	read_archs(meaning, profile);
	for (const struct node *n = first(rules); n; n = following(rules, n))
		read_rule(meaning, n, target);
}

uint32_t meaning_stricter(uint32_t a, uint32_t b)
{
	static const uint32_t order[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
					 SECCOMP_RET_ERRNO,        SECCOMP_RET_TRACE,       SECCOMP_RET_LOG};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		if ((a & SECCOMP_RET_ACTION_FULL) == order[i])
			return a;
		if ((b & SECCOMP_RET_ACTION_FULL) == order[i])
			return b;
	}
	return a;
}

static bool holds(const struct meaning_condition *c, const struct seccomp_data *data)
{
	const uint64_t arg = data->args[c->index];

	if (strcmp(c->op, "EQ") == 0)
		return arg == c->value;
	if (strcmp(c->op, "NE") == 0)
		return arg != c->value;
	if (strcmp(c->op, "LT") == 0)
		return arg < c->value;
	if (strcmp(c->op, "LE") == 0)
		return arg <= c->value;
	if (strcmp(c->op, "GT") == 0)
		return arg > c->value;
	if (strcmp(c->op, "GE") == 0)
		return arg >= c->value;
	return (arg & c->value) == c->two;
}

static bool fits(const struct meaning_rule *rule, size_t arch, uint32_t slot, const struct seccomp_data *data)
{
	if (slot >= MEANING_SLOTS || !rule->decides[arch][slot])
		return false;
	for (size_t i = 0; i < rule->nconditions; i++)
		if (!holds(&rule->conditions[i], data))
			return false;
	return true;
}

uint32_t meaning_answer(const struct meaning *meaning, const struct seccomp_data *data)
{
	const bool x32 = data->arch == AUDIT_ARCH_X86_64 && (uint32_t)data->nr >= X32_BIT;
	const uint32_t arch = x32 ? SCMP_ARCH_X32 : data->arch;
	const uint32_t slot = meaning_slot(data->arch, (uint32_t)data->nr & ~(x32 ? X32_BIT : 0));
	const bool private = arch == AUDIT_ARCH_ARM && (uint32_t)data->nr >= MEANING_PRIVATE;
	size_t a = 0;
	bool any = false;
	uint32_t answer = meaning->action;

	while (a < meaning->narchs && meaning->archs[a] != arch)
		a++;
	if (a == meaning->narchs)
		return SECCOMP_RET_KILL_PROCESS;
	if (a == 0 && data->nr == SYS_prctl && data->args[0] == FILTER_CANARY_OPTION)
		return SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO;
	/* Where the default is ENOSYS anyway the filter has no such line: a rule on a call that libseccomp hides counts. */
	if ((answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && answer != (SECCOMP_RET_ERRNO | ENOSYS) &&
	    meaning->newest[a] && (uint32_t)data->nr > meaning->newest[a] && !private)
		return SECCOMP_RET_ERRNO | ENOSYS;
	for (const struct meaning_rule *rule = meaning->rules; rule; rule = rule->next)
		if (fits(rule, a, slot, data)) {
			answer = any ? meaning_stricter(answer, rule->action) : rule->action;
			any = true;
		}
	return answer;
}

uint32_t bpf_run(const struct sock_filter *code, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *i = &code[at];
		bool yes = false;
		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k > sizeof(*data) - 4 || i->k % 4 != 0)
				abort();
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			continue;
		case BPF_RET | BPF_K:
			return i->k;
		case BPF_JMP | BPF_JA:
			at += i->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			yes = a == i->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			yes = a > i->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			yes = a >= i->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			yes = a & i->k;
			break;
		default:
			abort();
		}
		at += yes ? i->jt : i->jf;
	}
	abort(); /* the kernel refuses filters that can run off their end */
}
