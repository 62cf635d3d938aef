#include <string.h>
#include <strings.h>

#include <linux/capability.h>

#include "capability.h"
#include "plan_parts.h"

static void unknown_capability(struct plan *plan, const struct node *node, const char *text)
{
	struct {
		const char *name;
	} names[CAP_LAST_CAP + 2] = {{NULL}};
	char texts[CAP_LAST_CAP + 1][32];

	for (unsigned int cap = 0; cap <= CAP_LAST_CAP; cap++)
		names[cap].name = capability_name(texts[cap], sizeof(texts[cap]), cap) + 4;
	const char *nearest = value_nearest(strncasecmp(text, "cap_", 4) == 0 ? text + 4 : text, names, sizeof(*names));
	if (nearest && strcasecmp(text, "all") != 0)
		yaml_problem(&plan->problems, node, "\"%s\" is not a capability: did you mean %s?", text, nearest);
	else
		yaml_problem(&plan->problems, node,
			     "\"%s\" is not a capability: name each one that is needed, such as NET_BIND_SERVICE",
			     text);
}

static void add_capability(struct plan *plan, const struct node *node, void *to)
{
	const char *text = value_fixed(plan, node);
	int number = text ? capability_number(text) : 0;

	if (number >= 0 && text)
		*(uint64_t *)to |= CAPABILITY_BIT(number);
	else if (text)
		unknown_capability(plan, node, text);
}

void plan_capabilities(struct plan *plan, const struct node *node, void *to)
{
	value_each(plan, node, add_capability, to);
}
