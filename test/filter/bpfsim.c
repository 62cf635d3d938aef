/*
 * bpfsim calls SOURCE [CAP ...]        what the filter answers to every call of this machine, one line each
 * bpfsim call SOURCE CAPS NR [ARG ...] and to one call, NR or NAME
 * bpfsim check SOURCE [CAP ...]        compares the filter with what its JSON says
 * bpfsim libseccomp FILE.json [CAP ...]       compares it with what libseccomp itself makes of the same rules
 * bpfsim subset SOURCE FILE.json [CAP ...]    does FILE.json allow everything that SOURCE allows?
 * bpfsim names SOURCE [CAP ...]        the names of all calls that are denied, if all arguments are 0
 * bpfsim dump SOURCE [CAP ...]         the instructions
 * bpfsim table NAME ...                compares capshim's table of calls with libseccomp's own, which has all these names
 * bpfsim builtin FILE.json             is that the built-in profile, line by line?
 * bpfsim tree FILE ...                 YAML: "own" if capshim's own reader takes it, as libyaml does, "libyaml" if it does not
 * bpfsim trees signs|lines N           the same for every text of N of these, and counted
 * bpfsim damaged FILE.bpf [CAP ...]    every byte of it changed, every length cut off: is each such file refused?
 *
 * SOURCE: "default" (what is built in), FILE.json; where no JSON is needed "init" and FILE.bpf. CAP: kept capabilities.
 * The kernel is 6.18.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/capability.h"
#include "init/loop.h"
#include "meaning.h"
#include "table.h"
#include "tree.h"

#define MOST 50000 /* combinations of arguments of one call */
#define MAX_FILTERS 64

struct subject {
	struct problems problems;
	const struct node *profile;
	struct filter filter;
	struct meaning meaning;
	struct filter_target target;
};

static _Noreturn void fail(const char *what, const char *which)
{
	fprintf(stderr, "bpfsim: %s: %s\n", what, which);
	exit(2);
}

static char *slurp(struct mem *mem, const char *name, size_t *length)
{
	char *bytes = mem_alloc(mem, YAML_LIMIT);
	FILE *file = fopen(name, "r");

	if (!file)
		fail("cannot open", name);
	*length = fread(bytes, 1, YAML_LIMIT - 1, file);
	fclose(file);
	return bytes;
}

static void read_caps(struct filter_target *target, char **caps)
{
	target->kernel_major = 6;
	target->kernel_minor = 18;
	for (; caps && *caps; caps++) {
		int number = capability_number(*caps);
		if (number < 0)
			fail("unknown capability", *caps);
		target->keep |= CAPABILITY_BIT(number);
	}
}

static void load(struct subject *s, const char *source, char **caps)
{
	size_t length;
	struct mem *mem = &s->problems.mem;

	memset(s, 0, sizeof(*s));
	read_caps(&s->target, caps);
	if (strcmp(source, "default") == 0) {
		s->profile = filter_default_profile(&s->problems);
		filter_default(&s->filter, mem, s->target.keep);
	} else if (strcmp(source, "init") == 0) {
		s->filter = init_filter(mem_array(mem, INIT_FILTER_ROOM, sizeof(struct sock_filter)), false);
	} else if (strcmp(source, "init-proc") == 0) {
		s->filter = init_filter(mem_array(mem, INIT_FILTER_ROOM, sizeof(struct sock_filter)), true);
	} else {
		char *bytes = slurp(mem, source, &length);
		if (strstr(source, ".bpf")) {
			const char *why = filter_read(&s->filter, mem, bytes, length, &s->target);
			if (why)
				fail(source, why);
			return;
		}
		s->profile = yaml_read(&s->problems, source, bytes, length);
		if (!s->profile || !filter_compile(&s->filter, NULL, &s->problems, s->profile, &s->target)) {
			problems_say(&s->problems);
			exit(1);
		}
	}
	const struct meaning_target target = {s->target.keep, s->target.kernel_major, s->target.kernel_minor};
	if (s->profile)
		meaning_read(&s->meaning, mem, s->profile, &target);
}

/* In the words of the prober, test/fixtures/syscalls.c. */
static const char *word(uint32_t action)
{
	static char text[32];

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_LOG:
	case SECCOMP_RET_TRACE:
		return "allow";
	case SECCOMP_RET_TRAP:
		return "trap";
	case SECCOMP_RET_ERRNO:
		snprintf(text, sizeof(text), "errno %u", action & SECCOMP_RET_DATA);
		return text;
	default:
		return "kill";
	}
}

static void print_calls(const struct subject *s)
{
	for (int number = 0; number < 600; number++) {
		/* No filter is asked about these two (uretprobe, uprobe), so there is nothing to compare with. */
		if (number == 335 || number == 336)
			continue;
		struct seccomp_data data = {.nr = number, .arch = seccomp_arch_native()};
		memset(data.args, 0xff, sizeof(data.args));
		printf("%d %s\n", number, word(bpf_run(s->filter.code, s->filter.count, &data)));
	}
}

static void print_names(const struct subject *s)
{
	for (int number = 0; number < 600; number++) {
		struct seccomp_data data = {.nr = number, .arch = seccomp_arch_native()};
		char *name = seccomp_syscall_resolve_num_arch(data.arch, number);
		uint32_t answer = bpf_run(s->filter.code, s->filter.count, &data);
		memset(data.args, 0xff, sizeof(data.args));
		/* With other arguments as well, or it depends on them. */
		if (name && answer != SECCOMP_RET_ALLOW && bpf_run(s->filter.code, s->filter.count, &data) == answer)
			printf("%s\n", name);
		free(name);
	}
}

static int report(const char *what, const struct seccomp_data *d, uint32_t is, uint32_t should)
{
	printf("%s: arch %#x nr %#x (%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): %#x, should be %#x\n", what, d->arch,
	       (unsigned int)d->nr, (unsigned long long)d->args[0], (unsigned long long)d->args[1],
	       (unsigned long long)d->args[2], (unsigned long long)d->args[3], (unsigned long long)d->args[4],
	       (unsigned long long)d->args[5], is, should);
	return 1;
}

static bool check_call(const struct seccomp_data *data, void *context)
{
	const struct subject *s = context;
	uint32_t is = bpf_run(s->filter.code, s->filter.count, data);
	uint32_t should = meaning_answer(&s->meaning, data);

	return is == should || !report("filter", data, is, should);
}

static int finish(size_t calls)
{
	if (calls)
		printf("%zu calls agree\n", calls);
	return calls ? 0 : 1;
}

/* One filter of libseccomp's for each action, and one for the default: the strictest answer counts, as in the kernel. */
struct reference {
	const struct subject *subject;
	struct sock_filter *code[MAX_FILTERS];
	size_t count[MAX_FILTERS], filters;
};

static void add_rules(scmp_filter_ctx ctx, const struct meaning *meaning, uint32_t action, bool invert)
{
	static const char *const operators[] = {"", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"};

	for (const struct meaning_rule *rule = meaning->rules; rule; rule = rule->next) {
		struct scmp_arg_cmp args[6];
		unsigned int count = 0;
		if (!invert && rule->action != action)
			continue;
		for (; count < rule->nconditions; count++) {
			const struct meaning_condition *c = &rule->conditions[count];
			enum scmp_compare op = SCMP_CMP_NE;
			while (strcmp(operators[op], c->op) != 0)
				op++;
			args[count] = (struct scmp_arg_cmp){c->index, op, c->value, c->two};
		}
		const struct node *n = rule->names->kind == NODE_LIST ? rule->names->first : rule->names;
		for (; n; n = rule->names->kind == NODE_LIST ? n->next : NULL) {
			int number = seccomp_syscall_resolve_name(n->text);
			int error = number == __NR_SCMP_ERROR
					    ? 0
					    : seccomp_rule_add_array(ctx, invert ? SCMP_ACT_ALLOW : action, number,
								     count, args);
			if (error && error != -EEXIST)
				fail("libseccomp", strerror(-error));
		}
	}
}

static void add_reference(struct reference *r, struct mem *mem, uint32_t action, bool invert)
{
	const struct meaning *meaning = &r->subject->meaning;
	scmp_filter_ctx ctx = seccomp_init(invert ? action : SCMP_ACT_ALLOW);
	int fd = memfd_create("reference", MFD_CLOEXEC);

	if (!ctx || fd < 0 || r->filters == MAX_FILTERS)
		fail("libseccomp", "no filter");
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 1; i < meaning->narchs; i++)
		if (seccomp_arch_add(ctx, meaning->archs[i]) != 0)
			fail("libseccomp", "no architecture");
	add_rules(ctx, meaning, action, invert);
	if (seccomp_export_bpf(ctx, fd) != 0)
		fail("libseccomp", "no program");
	size_t size = (size_t)lseek(fd, 0, SEEK_END);
	r->code[r->filters] = mem_alloc(mem, size);
	if (pread(fd, r->code[r->filters], size, 0) != (ssize_t)size)
		fail("libseccomp", "no program");
	r->count[r->filters++] = size / sizeof(struct sock_filter);
	close(fd);
	seccomp_release(ctx);
}

static bool compare_call(const struct seccomp_data *data, void *context)
{
	const struct reference *r = context;
	uint32_t is = bpf_run(r->subject->filter.code, r->subject->filter.count, data);
	uint32_t should = bpf_run(r->code[0], r->count[0], data);

	/* It takes x32 for an ABI whose registers have 32 bits, which they do not. */
	for (size_t i = 0; i < 6; i++)
		if (data->nr & 0x40000000 && data->args[i] > UINT32_MAX)
			return true;
	for (size_t i = 1; i < r->filters; i++)
		should = meaning_stricter(bpf_run(r->code[i], r->count[i], data), should);
	/* What libseccomp has no words for: calls newer than the profile, and the canary. */
	if (is == (SECCOMP_RET_ERRNO | ENOSYS) || is == (SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO))
		return true;
	return is == should || !report("libseccomp", data, is, should);
}

static int compare(struct subject *s)
{
	struct reference *r = mem_alloc(&s->problems.mem, sizeof(*r));

	r->subject = s;
	(void)seccomp_api_set(3);
	if (s->meaning.action != SECCOMP_RET_ALLOW)
		add_reference(r, &s->problems.mem, s->meaning.action, true);
	for (const struct meaning_rule *rule = s->meaning.rules; rule; rule = rule->next) {
		const struct meaning_rule *before = s->meaning.rules;
		while (before->action != rule->action)
			before = before->next;
		if (before == rule && rule->action != SECCOMP_RET_ALLOW)
			add_reference(r, &s->problems.mem, rule->action, false);
	}
	return finish(meaning_each_call(&s->meaning, MOST, compare_call, r));
}

static bool subset_call(const struct seccomp_data *data, void *context)
{
	struct subject *const *both = context;
	uint32_t inner = bpf_run(both[0]->filter.code, both[0]->filter.count, data);
	uint32_t outer = meaning_answer(&both[1]->meaning, data);

	return inner != SECCOMP_RET_ALLOW || outer == SECCOMP_RET_ALLOW || !report("allowed", data, inner, outer);
}

static bool readable(const char *bytes, size_t length, const struct filter_target *target)
{
	struct problems problems = {0};
	struct filter filter;
	const bool read = filter_read(&filter, &problems.mem, bytes, length, target) == NULL;

	mem_release(&problems.mem);
	return read;
}

static int damaged(const char *name, char **caps)
{
	struct problems problems = {0};
	struct filter_target target = {0};
	size_t length, count = 0, accepted = 0;

	read_caps(&target, caps);
	char *bytes = slurp(&problems.mem, name, &length);
	if (!readable(bytes, length, &target))
		fail(name, "not even the file itself is accepted");
	for (size_t size = 0; size < length; size++, count++)
		accepted += readable(bytes, size, &target);
	for (size_t at = 0; at < length; at++)
		for (int change = 1; change < 256; change++, count++) {
			bytes[at] = (char)(bytes[at] ^ change);
			if (readable(bytes, length, &target) && ++accepted)
				printf("byte %zu with %#x is accepted\n", at, change);
			bytes[at] = (char)(bytes[at] ^ change);
		}
	printf("%zu damaged files, %zu accepted\n", count, accepted);
	return accepted ? 1 : 0;
}

static int trees(char **names)
{
	int failed = 0;

	for (; *names; names++) {
		struct problems problems = {0};
		size_t length;
		const char *bytes = slurp(&problems.mem, *names, &length);
		const int result = tree_compare(bytes, length);
		printf("%s: %s\n", *names, result > 0 ? "own" : result == 0 ? "libyaml" : "another tree");
		failed |= result < 0;
		mem_release(&problems.mem);
	}
	return failed;
}

static int builtin(const char *name)
{
	struct problems problems = {0};
	size_t length;
	const char *bytes = slurp(&problems.mem, name, &length);
	const struct node *one = filter_default_profile(&problems), *other = yaml_read(&problems, name, bytes, length);
	const bool same = one && tree_same(one, other, 0, false);

	printf("%s\n", same ? "the same" : "another profile");
	mem_release(&problems.mem);
	return same ? 0 : 1;
}

static int one_call(char **argv)
{
	static struct subject s;
	char *caps[64] = {0};
	struct seccomp_data data = {.arch = seccomp_arch_native()};
	size_t count = 0;

	for (char *cap = argv[1], *comma; *cap && count < 63; cap = comma + 1) {
		caps[count++] = cap;
		comma = strchr(cap, ',');
		if (!comma)
			break;
		*comma = '\0';
	}
	load(&s, argv[0], caps);
	char *arch = strchr(argv[2], '@');
	if (arch) {
		*arch = '\0';
		data.arch = (uint32_t)strtoul(arch + 1, NULL, 0);
	}
	data.nr = seccomp_syscall_resolve_name(argv[2]);
	if (data.nr < 0)
		data.nr = (int)strtoul(argv[2], NULL, 0);
	for (size_t i = 0; i < 6 && argv[3 + i]; i++)
		data.args[i] = strtoull(argv[3 + i], NULL, 0);
	printf("%s\n", word(bpf_run(s.filter.code, s.filter.count, &data)));
	return 0;
}

int main(int argc, char **argv)
{
	static struct subject one, other;

	if (argc < 3)
		fail("usage", "see the source");
	if (strcmp(argv[1], "call") == 0 && argc > 4)
		return one_call(argv + 2);
	if (strcmp(argv[1], "table") == 0)
		return table_compare(argv + 2);
	if (strcmp(argv[1], "builtin") == 0)
		return builtin(argv[2]);
	if (strcmp(argv[1], "tree") == 0)
		return trees(argv + 2);
	if (strcmp(argv[1], "trees") == 0)
		return !tree_compare_all(strcmp(argv[2], "lines") == 0, (unsigned int)strtoul(argv[3], NULL, 10));
	if (strcmp(argv[1], "damaged") == 0)
		return damaged(argv[2], argv + 3);
	const bool two = strcmp(argv[1], "subset") == 0 && argc > 3;
	load(&one, argv[2], argv + (two ? 4 : 3));
	if (two) {
		struct subject *both[] = {&one, &other};
		load(&other, argv[3], argv + 4);
		return finish(meaning_each_call(&one.meaning, MOST, subset_call, both)) |
		       finish(meaning_each_call(&other.meaning, MOST, subset_call, both));
	}
	if (strcmp(argv[1], "check") == 0)
		return finish(meaning_each_call(&one.meaning, MOST, check_call, &one));
	if (strcmp(argv[1], "libseccomp") == 0)
		return compare(&one);
	if (strcmp(argv[1], "dump") == 0)
		for (size_t i = 0; i < one.filter.count; i++)
			printf("%zu %#x %u %u %#x\n", i, one.filter.code[i].code, one.filter.code[i].jt,
			       one.filter.code[i].jf, one.filter.code[i].k);
	else if (strcmp(argv[1], "names") == 0)
		print_names(&one);
	else
		print_calls(&one);
	return 0;
}
