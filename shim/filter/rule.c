#include <string.h>

#include <linux/seccomp.h>

#include "filter/parts.h"

bool filter_rule_applies(const struct filter_rule *rule, uint64_t keep)
{
	return rule->here && (rule->caps & ~keep) == 0 && (rule->not_caps & keep) == 0;
}

bool filter_rule_lists(const struct filter_rule *rule, size_t call)
{
	for (size_t i = 0; i < rule->ncalls; i++)
		if (rule->calls[i] == call)
			return true;
	return false;
}

bool filter_rule_decides(const struct filter_profile *profile, const struct filter_rule *rule, size_t call,
			 bool foreign)
{
	if (rule->foreign && !foreign)
		return false;
	for (const struct filter_rule *r = profile->changes; r && !rule->change; r = r->next)
		if (r->action == SECCOMP_RET_ALLOW && (foreign || !r->foreign) && filter_rule_lists(r, call))
			return false;
	return true;
}
