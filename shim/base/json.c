#include "base/json.h"

#include <string.h>

#include "base/capability.h"

const char *json_quoted(struct mem *mem, const char *text)
{
	return mem_format(mem, "\"%s\"", mem_escaped(mem, text, true));
}

const char *json_strings(struct mem *mem, const struct list *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = mem_format(mem, "%s%s%s", text, i ? "," : "", json_quoted(mem, list->items[i]));
	return mem_format(mem, "[%s]", text);
}

const char *json_held(struct mem *mem, const struct start *held)
{
	const char *text =
		mem_format(mem, "\"user\":{\"uid\":%u,\"gid\":%u,\"additionalGids\":[%s]},\"capabilities\":{",
			   held->uid, held->gid, start_groups(mem, held->groups, held->ngroups, ","));

	for (size_t i = 0; i < START_SETS; i++) {
		const struct list names = capability_names(mem, start_set_of(held, &start_sets[i]), true);
		text = mem_format(mem, "%s%s\"%s\":%s", text, i ? "," : "", start_sets[i].oci,
				  json_strings(mem, &names));
	}
	return mem_format(mem, "%s}", text);
}
