#include <string.h>
#include <strings.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/capability.h"
#include "filter/read.h"

#define ARCH_NAME 32 /* no name of an architecture has so many bytes */

/* Which of call_abis NODE names; CALL_NABIS: another. False: there can be no such architecture. */
static bool read_arch_name(struct filter_reader *reader, const struct node *node, size_t *abi)
{
	static const char prefix[] = "SCMP_ARCH_";

	if (!filter_is_scalar(reader, node))
		return false;
	const char *name = strncmp(node->text, prefix, strlen(prefix)) == 0 ? node->text + strlen(prefix) : NULL;
	if (!name || strlen(name) >= ARCH_NAME)
		return yaml_problem(reader->problems, node, "\"%s\" is not an architecture: they begin with %s",
				    node->text, prefix);
	for (*abi = 0; *abi < call_nabis && strcasecmp(name, call_abis[*abi].name) != 0;)
		++*abi;
	return true;
}

bool filter_kills_32bit(const struct filter *filter, bool x32)
{
	const uint32_t arch = call_nabis > CALL_ABI_32BIT ? call_abis[CALL_ABI_32BIT].arch : 0;
	/* exit(2): number 1 on i386 and Arm, 60 on x32. An ABI that the profile does not name is killed for any call. */
	const struct filter_answers answer =
		x32 ? filter_answer(filter, AUDIT_ARCH_X86_64, FILTER_X32_BIT | 60) : filter_answer(filter, arch, 1);

	return filter->code && filter_rank(answer.laxest) <= filter_rank(SECCOMP_RET_KILL_THREAD);
}

/* An ABI that this machine cannot run never makes a call here; one that is not listed stays killed. */
void filter_read_arch(struct filter_reader *reader, const struct node *node)
{
	size_t abi;

	if (read_arch_name(reader, node, &abi) && abi < call_nabis)
		reader->profile->abis[abi] = true;
}

void filter_read_arch_map(struct filter_reader *reader, const struct node *node)
{
	static const struct filter_key keys[] = {{"architecture", NULL, false},
						 {"subArchitectures", NULL, false},
						 {NULL, NULL, false}};
	struct filter_profile before = *reader->profile;
	size_t abi;

	(void)filter_read_map(reader, node, keys);
	const struct node *name = yaml_get(node, "architecture"), *subs = yaml_get(node, "subArchitectures");
	if (!name) {
		yaml_problem(reader->problems, node, "no \"architecture\"");
		return;
	}
	if (!filter_is_null(subs))
		filter_read_list(reader, subs, filter_read_arch);
	if (read_arch_name(reader, name, &abi) && abi != 0)
		*reader->profile = before;
}

static void read_capability(struct filter_reader *reader, const struct node *node)
{
	if (!filter_is_scalar(reader, node))
		return;
	int number = capability_number(node->text);
	if (number < 0)
		yaml_problem(reader->problems, node, "unknown capability \"%s\"", node->text);
	else if (reader->excludes)
		reader->rule->not_caps |= CAPABILITY_BIT(number);
	else
		reader->rule->caps |= CAPABILITY_BIT(number);
}

static void read_arches(struct filter_reader *reader, const struct node *node)
{
	bool named = false, any = node->kind == NODE_SCALAR || node->count > 0;

	for (const struct node *item = NULL; (item = yaml_item(node, item));)
		if (filter_is_scalar(reader, item) && strcmp(item->text, call_machine) == 0)
			named = true;
	if (any && named == reader->excludes)
		reader->rule->here = false;
}

/* Reads the digits of one part of a version, at most 65535, and moves *TEXT past them. */
static bool read_part(const char **text, uint32_t *part)
{
	const char *start = *text;

	*part = 0;
	while (**text >= '0' && **text <= '9' && *part <= 6552)
		*part = *part * 10 + (uint32_t)(*(*text)++ - '0');
	return *text > start;
}

static void read_min_kernel(struct filter_reader *reader, const struct node *node)
{
	const struct filter_target *target = reader->target;
	struct filter_kernel *kernel = &reader->profile->kernel;
	uint32_t major, minor;

	if (!filter_is_scalar(reader, node))
		return;
	const char *text = node->text;
	if (!read_part(&text, &major) || *text++ != '.' || !read_part(&text, &minor) || *text) {
		yaml_problem(reader->problems, node, "\"%s\" is not a kernel version such as 4.8", node->text);
		return;
	}
	const uint32_t version = major << 16 | minor;
	const bool reached = version <= (target->kernel_major << 16 | target->kernel_minor);
	if (reached && version > kernel->reached)
		kernel->reached = version;
	if (!reached && (version < kernel->missed || kernel->missed == 0))
		kernel->missed = version;
	if (reached == reader->excludes)
		reader->rule->here = false;
}

static const struct filter_key where_keys[] = {
	{"caps", read_capability, true},
	{"arches", read_arches, false},
	{"minKernel", read_min_kernel, false},
	{NULL, NULL, false},
};

void filter_read_includes(struct filter_reader *reader, const struct node *node)
{
	reader->excludes = false;
	(void)filter_read_map(reader, node, where_keys);
}

void filter_read_excludes(struct filter_reader *reader, const struct node *node)
{
	reader->excludes = true;
	(void)filter_read_map(reader, node, where_keys);
}
