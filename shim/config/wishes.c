#include <string.h>

#include "config/parts.h"

/* The text of KEY, or NULL. */
static const char *wish_text(struct plan *plan, const struct node *node, const char *key, bool required)
{
	const struct node *value = yaml_get(node, key);

	if (!value && required)
		value_problem(plan, node, "an account needs name, uid and gid: write \"%s:\"", key);
	return value ? value_text(plan, value) : NULL;
}

/* An id may come from a variable that only the start sets: before it the name is enough, because `user` may refer to it. */
static bool wish_id(struct plan *plan, const struct node *node, const char *key, const char *kind, uint32_t *id)
{
	const char *text = wish_text(plan, node, key, true);
	const struct node *value = yaml_get(node, key);

	*id = ACCOUNTS_SOMEBODY;
	if (!text)
		return value && plan->mode >= PLAN_CHECK;
	return accounts_id(text, id) || account_bad_id(plan, value, kind, text);
}

static void read_wish(struct plan *plan, const struct node *node, void *)
{
	static const char *const keys[] = {"name", "uid", "gid", "home", "shell", "when", "unless", NULL};
	struct account_wish wish = {0};
	const struct node *gid = yaml_get(node, "gid"), *at = node;

	if (!value_keys(plan, node, keys) || !config_when(plan, node, NULL))
		return;
	wish.name = wish_text(plan, node, "name", true);
	bool good = wish_id(plan, node, "uid", "user", &wish.uid);
	good &= wish_id(plan, node, "gid", "group", &wish.gid);
	wish.home = wish_text(plan, node, "home", false);
	wish.shell = wish_text(plan, node, "shell", false);
	if (!wish.name)
		return;
	if (good) {
		wish.chosen = gid->text && strstr(gid->text, "${") ? node->line : 0;
		const char *why = accounts_apply(&plan->accounts, &wish);
		if (!why) {
			plan->wishes[plan->nwishes++] = wish;
			return;
		}
		for (const char *const *key = keys; *key; key++)
			if (strstr(why, *key) && yaml_get(node, *key))
				at = yaml_get(node, *key);
		value_problem(plan, at, "account \"%s\": %s", wish.name, why);
	}
	/* What is wrong has been said. `user` finds the name, so that nothing is said twice. */
	wish = (struct account_wish){.name = wish.name, .uid = ACCOUNTS_SOMEBODY, .gid = ACCOUNTS_SOMEBODY};
	(void)!accounts_apply(&plan->accounts, &wish);
}

void config_accounts(struct plan *plan, const struct node *node, void *to)
{
	account_users(plan);
	if (!node)
		return;
	(void)account_users_known(plan);
	(void)account_groups(plan);
	plan->wishes = mem_array(plan->mem, node->count + 1, sizeof(*plan->wishes));
	value_each(plan, node, read_wish, to);
}
