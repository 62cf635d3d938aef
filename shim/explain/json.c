#include <string.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/start.h"
#include "explain/parts.h"

/* {"CAP_CHOWN":["why", …], …} for those that have reasons. */
static const char *reasons(struct mem *mem, const struct list *lists)
{
	const char *text = "";

	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (lists[cap].count)
			text = mem_format(mem, "%s%s\"%s\":%s", text, *text ? "," : "", capability_name(cap).text,
					  json_strings(mem, &lists[cap]));
	return mem_format(mem, "{%s}", text);
}

/* The number, or null: only the start knows it. */
static const char *id_json(struct mem *mem, uint32_t id)
{
	return id == ACCOUNTS_SOMEBODY ? "null" : mem_format(mem, "%u", id);
}

void explain_json(struct plan *plan, const struct explanation *explained)
{
	struct mem *mem = plan->mem;
	const struct privileges *who = &plan->workload;
	struct list kept[EXPLAIN_CAPS] = {{0}};
	/* A pause has a filter of its own. */
	const bool filtered = plan->filter.code || plan->command == COMMAND_PAUSE;
	const char *groups = "";
	bool root;

	for (size_t i = 0; i < who->ngroups; i++)
		groups = mem_format(mem, "%s%s%s", groups, i ? "," : "", id_json(mem, who->groups[i]));
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (who->keep & CAPABILITY_BIT(cap))
			list_add(mem, &kept[cap], explain_gain(cap, &root));
	diag_print("{\"config\":%s,\"user\":{\"uid\":%s,\"gid\":%s,\"additionalGids\":[%s]},\"args\":%s,\"kept\":%s,"
		   "\"required\":%s,\"conditional\":%s,\"seccomp\":%s,\"warnings\":%s}\n",
		   json_quoted(mem, plan->file), id_json(mem, who->uid), id_json(mem, who->gid), groups,
		   json_strings(mem, &plan->argv), reasons(mem, kept), reasons(mem, explained->always),
		   reasons(mem, explained->maybe), filtered ? "true" : "false",
		   json_strings(mem, &explained->warnings));
}
