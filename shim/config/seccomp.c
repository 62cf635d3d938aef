#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/diag.h"
#include "base/text.h"
#include "config/config.h"
#include "config/parts.h"
#include "walk/trust.h"

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length > wanted && strcmp(text + length - wanted, end) == 0;
}

static void default_filter(struct plan *plan)
{
	const struct filter_changes *changes = &plan->filter_changes;
	const struct filter_target target = config_filter_target(plan);

	if (changes->allow || changes->deny || plan->mode == PLAN_EXPLAIN)
		plan->profile = filter_default_profile(&plan->problems);
	if (!changes->allow && !changes->deny) {
		filter_default(&plan->filter, plan->mem, plan->workload.keep);
		plan->filter.flags = changes->log ? SECCOMP_FILTER_FLAG_LOG : 0;
	} else if (plan->profile && !filter_compile(&plan->filter, NULL, &plan->problems, plan->profile, &target)) {
		plan->filter.code = NULL; /* a problem was added */
	}
}

static void file_filter(struct plan *plan, const struct node *node, const char *text)
{
	const struct filter_changes *changes = &plan->filter_changes;
	const struct filter_target target = config_filter_target(plan);
	const char *why = NULL;
	size_t length;

	if (!value_fixed_path(plan, node))
		return;
	char *bytes = trust_read(plan->mem, text, YAML_LIMIT, &length, &why);
	if (bytes && ends_with(text, ".bpf")) {
		if (changes->allow || changes->deny)
			why = "it is compiled: allow and deny change a .json profile";
		else if (plan->optional)
			why = "it is compiled for one set of capabilities, and cap_add_optional leaves two: name the "
			      ".json profile, or write cap_add";
		else
			why = filter_read(&plan->filter, plan->mem, bytes, length, &target);
		plan->filter.flags |= changes->log ? SECCOMP_FILTER_FLAG_LOG : 0;
	} else if (bytes) {
		plan->profile = yaml_read(&plan->problems, text, bytes, length);
		if (!plan->profile || !filter_compile(&plan->filter, NULL, &plan->problems, plan->profile, &target))
			return;
	}
	if (why)
		value_problem(plan, node, "cannot use \"%s\": %s%s", text, why,
			      bytes || access(text, F_OK) == 0 ? "" : " (COPY it into the image, or mount it there)");
}

static void read_profile(struct plan *plan, const struct node *node, void *)
{
	const struct filter_changes *changes = &plan->filter_changes;
	const char *text = value_fixed(plan, node);

	if (!text)
		return;
	if (strcmp(text, "unconfined") == 0) {
		if (changes->allow || changes->deny || changes->log)
			value_problem(
				plan, node,
				"unconfined loads no filter to change: write default, or leave allow, deny and log out");
		return;
	}
	if (strcmp(text, "default") == 0)
		default_filter(plan);
	else if (ends_with(text, ".json") || ends_with(text, ".bpf"))
		file_filter(plan, node, text);
	else
		value_problem(plan, node,
			      "\"%s\" must be default, unconfined, or a file that ends in .json (a profile) or .bpf (a "
			      "compiled one)",
			      text);
}

/* Only checks that no variable chooses the names; the filter checks the names themselves. */
static void fixed_names(struct plan *plan, const struct node *node, void *to)
{
	struct list names = {0};

	if (value_list(plan, node, value_fixed, &names))
		*(const struct node **)to = node;
}

void config_seccomp(struct plan *plan, const struct node *node, void *root)
{
	static const struct key seccomp_keys[] = {
		{"allow", fixed_names, offsetof(struct plan, filter_changes.allow)},
		{"deny", fixed_names, offsetof(struct plan, filter_changes.deny)},
		{"log", key_bool, offsetof(struct plan, filter_changes.log)},
		{"profile", read_profile, 0},
		{NULL, NULL, 0},
	};

	if (plan->command != COMMAND_RUN)
		return;
	if (node && node->kind != NODE_MAP) {
		read_profile(plan, node, root);
		return;
	}
	if (node)
		value_map(plan, node, seccomp_keys, plan);
	if (!node || !yaml_get(node, "profile"))
		default_filter(plan);
}

void config_step_seccomp(struct plan *plan, const struct node *node, struct step_user *to)
{
	const bool unconfined = value_fixed_word(plan, node, NAMES("default", "unconfined"));

	if (node && !to->narrowed)
		value_problem(plan, node,
			      "\"seccomp\" needs \"user\" or \"cap_add\" beside it: a step with all that the container "
			      "has gets no filter");
	if (to->narrowed && !unconfined)
		filter_default(&to->filter, plan->mem, to->want.keep);
}

struct filter_target config_filter_target(const struct plan *plan)
{
	struct filter_target target = {.keep = plan->workload.keep, .changes = plan->filter_changes};
	struct utsname name;
	const char *end;

	if (uname(&name) != 0)
		diag_cannot("read", "the kernel version", errno, DIAG_NO_CAP);
	target.kernel_major = (unsigned int)text_number(name.release, 10, &end);
	if (*end == '.')
		target.kernel_minor = (unsigned int)text_number(end + 1, 10, NULL);
	return target;
}
