#include <errno.h>
#include <string.h>

#include "config/parts.h"
#include "walk/trust.h"

#define PASSWD "/etc/passwd"
#define GROUP "/etc/group"

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

const char *account_half(struct plan *plan, const char *text, const char **rest)
{
	const char *colon = strchr(text, ':');

	*rest = colon ? colon + 1 : NULL;
	return colon ? mem_copy(plan->mem, text, (size_t)(colon - text)) : text;
}

bool account_bad_id(struct plan *plan, const struct node *node, const char *kind, const char *text)
{
	return value_problem(plan, node,
			     "\"%s\" is not a %s id: ids are whole numbers from 0 to 4294967294, "
			     "written without a sign, blanks or leading zeros",
			     text, kind);
}

/* Returns NULL, or why FILE may not be believed. An image without one is fine: names then do not resolve. */
static const char *read_account_file(struct plan *plan, const char *file, bool group)
{
	const char *why = NULL;
	size_t length;

	char *bytes = trust_read(plan->mem, file, ACCOUNTS_BYTES, &length, &why);
	if (bytes)
		accounts_parse(&plan->accounts, &plan->problems, file, bytes, length, group);
	return bytes || errno == ENOENT ? NULL : why;
}

void account_users(struct plan *plan)
{
	plan->accounts.mem = plan->mem;
	/* Nothing else than groups of the start can be root's, and an answer tells of other starts. */
	plan->accounts.root_asked = plan->start.ngroups > 0 || plan->mode >= PLAN_CHECK;
	plan->accounts.refused = read_account_file(plan, PASSWD, false);
}

const struct account *account_groups(struct plan *plan)
{
	const char *why = plan->accounts.groups_read ? NULL : read_account_file(plan, GROUP, true);

	if (why)
		problem_add(&plan->problems, GROUP, 0, 0, "%s", why);
	plan->accounts.groups_read = true;
	return plan->accounts.groups;
}

/* Images for arbitrary uids make passwd writable for group 0 (chmod g=u), and numeric ids do not need it. */
bool account_users_known(struct plan *plan)
{
	struct accounts *accounts = &plan->accounts;

	if (!accounts->refused)
		return true;
	if (!accounts->refusal_said)
		problem_add(&plan->problems, PASSWD, 0, 0, "%s; numeric ids (UID:GID) do not need this file",
			    accounts->refused);
	accounts->refusal_said = true;
	return false;
}

bool account_find_user(struct plan *plan, const struct node *node, const char *text, uint32_t *uid,
		       const struct account **entry)
{
	if (all_digits(text)) {
		if (!accounts_id(text, uid))
			return account_bad_id(plan, node, "user", text);
		*entry = accounts_user_by_id(&plan->accounts, *uid);
		return true;
	}
	*entry = *text ? accounts_named(plan->accounts.users, text) : NULL;
	if (!account_users_known(plan))
		return false;
	if (*entry) {
		*uid = (*entry)->uid;
		return true;
	}
	return value_problem(plan, node,
			     "\"%s\" is neither a user in /etc/passwd nor a user id: add the user to the "
			     "image, name it under accounts, or write a numeric UID:GID",
			     text);
}

bool account_find_group(struct plan *plan, const struct node *node, const char *text, uint32_t *gid)
{
	if (all_digits(text))
		return accounts_id(text, gid) || account_bad_id(plan, node, "group", text);

	const struct account *entry = *text ? accounts_named(account_groups(plan), text) : NULL;
	if (entry) {
		*gid = entry->gid;
		return true;
	}
	if (!*text)
		return value_problem(plan, node,
				     "there is no group behind the colon: leave the colon out, or write it");
	return value_problem(plan, node,
			     "\"%s\" is neither a group in /etc/group nor a group id: add the group to "
			     "the image, or write a numeric id",
			     text);
}

bool account_find_identity(struct plan *plan, const struct node *node, const char *text, struct identity *to)
{
	const struct account *entry;
	const char *group;
	const char *user = account_half(plan, text, &group);

	if (!account_find_user(plan, node, user, &to->uid, &entry))
		return false;
	to->name = entry ? entry->name : NULL;
	to->home = entry ? entry->home : NULL;
	to->group_written = group;
	if (group)
		return account_find_group(plan, node, group, &to->gid);
	if (!entry && !account_users_known(plan))
		return false;
	if (!entry)
		return value_problem(plan, node,
				     "user id %s has no entry in /etc/passwd: write its group as well, "
				     "such as \"%s:%s\"",
				     user, user, user);
	to->gid = entry->gid;
	return true;
}
