/*
 * What the filter costs, each in a fresh child, as the median of many:
 *
 *	filter FILE.json [PROFILE.json ...]
 *	filter --code | --no-code
 *
 * FILE.json is the source of the built-in default. Prints "NAME MICROSECONDS": the built-in filter put together and
 * loaded, and the same rules built by libseccomp and loaded, in turn; then getppid(2) under the built-in filter and under
 * each PROFILE (Docker's, say) as a container runtime has libseccomp build it, in nanoseconds a call, the least of several
 * runs taken in turn. --code prints the built-in filter as C for minimum.c, --no-code the same with no instructions.
 */
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "filter/parts.h"

#define STARTS 201
#define ROUNDS 41
#define CALLS 200000
#define PROFILES 8

static struct problems problems;
static double *shared;

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static const struct node *read_profile(const char *name)
{
	FILE *file = fopen(name, "r");
	char *bytes = mem_alloc(&problems.mem, YAML_LIMIT);
	size_t length = file ? fread(bytes, 1, YAML_LIMIT - 1, file) : 0;
	const struct node *node = file ? yaml_read(&problems, name, bytes, length) : NULL;

	if (!node)
		diag_die(DIAG_USER, "cannot read \"%s\"", name);
	fclose(file);
	return node;
}

static void load_builtin(const void *unused)
{
	struct filter filter;

	(void)unused;
	filter_default(&filter, &problems.mem, 0);
	filter_load(&filter);
}

static void add_rule(scmp_filter_ctx ctx, const struct filter_rule *rule)
{
	static const enum scmp_compare operators[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
						      SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};
	struct scmp_arg_cmp args[FILTER_ARGS];

	for (size_t i = 0; i < rule->nconditions; i++) {
		const struct filter_condition *c = &rule->conditions[i];
		args[i] = (struct scmp_arg_cmp){c->index, operators[c->op], c->value, c->two};
	}
	for (const struct node *n = NULL; filter_rule_applies(rule, 0) && (n = yaml_item(rule->names, n));) {
		const int number = seccomp_syscall_resolve_name(n->text);
		if (number != __NR_SCMP_ERROR)
			(void)seccomp_rule_add_array(ctx, rule->action, number, (unsigned int)rule->nconditions, args);
	}
}

/* Every rule with its conditions, as a program that uses libseccomp would write it. */
static void load_with_libseccomp(const struct filter_profile *profile, uint32_t optimize)
{
	scmp_filter_ctx ctx = seccomp_init(profile->action);
	int failed = !ctx || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) ||
		     seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, optimize);

	for (size_t i = 1; i < call_nabis && !failed; i++)
		failed = profile->abis[i] && seccomp_arch_add(ctx, call_abis[i].arch) != 0;
	for (const struct filter_rule *rule = profile->rules; rule && !failed; rule = rule->next)
		add_rule(ctx, rule);
	if (failed || seccomp_load(ctx) != 0)
		diag_die(DIAG_SYSTEM, "libseccomp cannot load the filter");
	seccomp_release(ctx);
}

/* A binary tree, as the built-in filter is one. */
static void load_as_tree(const void *what)
{
	load_with_libseccomp(what, 2);
}

/* What runc and crun leave libseccomp at. */
static void load_as_runtime(const void *what)
{
	load_with_libseccomp(what, 1);
}

/* Microseconds that LOAD takes in a child of its own; with CALLS of getppid(2), those only. */
static double measure(void (*load)(const void *what), const void *what, long calls)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			_exit(1);
		double start = now();
		load(what);
		if (calls)
			start = now();
		for (long i = 0; i < calls; i++)
			(void)syscall(SYS_getppid);
		*shared = now() - start;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		diag_die(DIAG_SYSTEM, "a child of the measurement failed");
	return *shared;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double times[STARTS])
{
	qsort(times, STARTS, sizeof(*times), compare);
	return times[STARTS / 2];
}

static void loads(const struct filter_profile *profile)
{
	double ours[STARTS], theirs[STARTS];

	for (size_t i = 0; i < STARTS; i++) {
		ours[i] = measure(load_builtin, NULL, 0);
		theirs[i] = measure(load_as_tree, profile, 0);
	}
	printf("load.builtin %.1f\nload.libseccomp %.1f\n", median(ours), median(theirs));
}

static void print_code(const struct filter *filter)
{
	printf("#include <linux/filter.h>\nconst unsigned short filter_count = %u;\n"
	       "const unsigned int filter_flags = %u;\nconst int filter_canary = %lu;\n"
	       "struct sock_filter filter_code[] = {\n",
	       filter->count, filter->flags, FILTER_CANARY_OPTION);
	for (size_t i = 0; i < filter->count; i++)
		printf("\t{%u, %u, %u, %u},\n", filter->code[i].code, filter->code[i].jt, filter->code[i].jf,
		       filter->code[i].k);
	puts("\t{0, 0, 0, 0}\n};");
}

static void nothing(const void *unused)
{
	(void)unused;
}

static void read_rules(struct filter_profile *profile, const char *name)
{
	const struct filter_target target = {.kernel_major = 6, .kernel_minor = 0};

	if (!filter_profile_read(profile, &problems, read_profile(name), &target))
		diag_die(DIAG_USER, "\"%s\" is not a profile", name);
}

/* Unfiltered, under the built-in filter, and under each of PROFILES. */
static void calls(const struct filter_profile *profiles, int count, char **names)
{
	double least[PROFILES + 2] = {0};

	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < count + 2; i++) {
			double time = i == 0   ? measure(nothing, NULL, CALLS)
				      : i == 1 ? measure(load_builtin, NULL, CALLS)
					       : measure(load_as_runtime, &profiles[i - 2], CALLS);
			if (round == 0 || time < least[i])
				least[i] = time;
		}
	printf("getppid.unfiltered %.1f\ngetppid.builtin %.1f\n", least[0] * 1e3 / CALLS, least[1] * 1e3 / CALLS);
	for (int i = 0; i < count; i++)
		printf("getppid.%s %.1f\n", names[i], least[i + 2] * 1e3 / CALLS);
}

int main(int argc, char **argv)
{
	struct filter_profile builtin, profiles[PROFILES];
	struct filter code = {0};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (argc < 2 || argc - 2 > PROFILES || shared == MAP_FAILED)
		diag_die(DIAG_USER, "usage: filter DEFAULT.json [PROFILE.json ...]");
	if (strcmp(argv[1], "--code") == 0)
		filter_default(&code, &problems.mem, 0);
	if (strcmp(argv[1], "--code") == 0 || strcmp(argv[1], "--no-code") == 0) {
		print_code(&code);
		return 0;
	}
	read_rules(&builtin, argv[1]);
	for (int i = 0; i < argc - 2; i++)
		read_rules(&profiles[i], argv[2 + i]);
	loads(&builtin);
	calls(profiles, argc - 2, argv + 2);
	return 0;
}
