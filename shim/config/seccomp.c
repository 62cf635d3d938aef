#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/diag.h"
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
	filter_default(&plan->filter, &plan->problems.mem, plan->workload.keep);
	if (plan->mode == PLAN_EXPLAIN)
		plan->profile = filter_default_profile(&plan->problems);
}

void config_seccomp(struct plan *plan, const struct node *node)
{
	const char *why = NULL;
	size_t length;

	if (!node) {
		default_filter(plan);
		return;
	}
	const char *text = value_fixed(plan, node);
	if (!text || strcmp(text, "unconfined") == 0)
		return;
	if (strcmp(text, "default") == 0) {
		default_filter(plan);
		return;
	}
	if (!ends_with(text, ".json") && !ends_with(text, ".bpf")) {
		yaml_problem(&plan->problems, node,
			     "\"%s\" must be default, unconfined, or a file that ends in .json (a profile) or .bpf (a "
			     "compiled one)",
			     text);
		return;
	}
	if (!value_fixed_path(plan, node))
		return;
	const struct filter_target target = config_filter_target(plan);
	char *bytes = trust_read(&plan->problems.mem, text, YAML_LIMIT, &length, &why);
	if (bytes && ends_with(text, ".bpf")) {
		why = filter_read(&plan->filter, &plan->problems.mem, bytes, length, &target);
	} else if (bytes) {
		plan->profile = yaml_read(&plan->problems, text, bytes, length);
		if (!plan->profile || !filter_compile(&plan->filter, &plan->problems, plan->profile, &target))
			return;
	}
	if (why)
		yaml_problem(&plan->problems, node, "cannot use \"%s\": %s", text, why);
}

struct filter_target config_filter_target(const struct plan *plan)
{
	struct filter_target target = {.keep = plan->workload.keep};
	struct utsname name;
	char *end;

	if (uname(&name) != 0)
		diag_cannot("read", "the kernel version", errno, DIAG_NO_CAP);
	target.kernel_major = (unsigned int)strtoul(name.release, &end, 10);
	if (*end == '.')
		target.kernel_minor = (unsigned int)strtoul(end + 1, NULL, 10);
	return target;
}
