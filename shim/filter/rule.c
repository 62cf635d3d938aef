#include <string.h>

#include <linux/seccomp.h>

#include "filter/parts.h"

bool filter_rule_applies(const struct filter_rule *rule, uint64_t keep)
{
	return rule->here && (rule->caps & ~keep) == 0 && (rule->not_caps & keep) == 0;
}

const struct node *filter_rule_name(const struct filter_rule *rule, const struct node *before)
{
	return yaml_item(rule->names, before);
}

bool filter_rule_lists(const struct filter_rule *rule, const char *call)
{
	const struct node *name = filter_rule_name(rule, NULL);

	while (name && strcmp(name->text, call) != 0)
		name = filter_rule_name(rule, name);
	return name != NULL;
}

bool filter_rule_names(const struct filter_profile *profile, const struct filter_rule *rule, const char *call,
		       bool foreign)
{
	if ((rule->foreign && !foreign) || !filter_rule_lists(rule, call))
		return false;
	for (const struct filter_rule *r = profile->rules; r && !rule->change; r = r->next)
		if (r->change && r->action == SECCOMP_RET_ALLOW && filter_rule_names(profile, r, call, foreign))
			return false;
	return true;
}
