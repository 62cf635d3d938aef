#include "input/accounts.h"

#include <string.h>

#include "input/accounts_line.h"

#define LINE_BYTES ((size_t)64 * 1024)
#define ID_DIGITS 10

static bool id_of(struct accounts_field text, uint32_t *id)
{
	uint64_t value = 0;

	if (text.length == 0 || text.length > ID_DIGITS)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text.at[i] - '0');
	}
	/* Other programs read a leading zero as octal: two readers must not see two different ids. */
	if ((text.length > 1 && text.at[0] == '0') || value >= ACCOUNTS_NO_ID)
		return false;
	*id = (uint32_t)value;
	return true;
}

bool accounts_id(const char *text, uint32_t *id)
{
	return id_of((struct accounts_field){text, strlen(text)}, id);
}

bool accounts_next(const char **at, const char *end, struct accounts_field *text)
{
	if (*at == end)
		return false;
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	text->at = *at;
	text->length = (size_t)((newline ? newline : end) - *at);
	*at = newline ? newline + 1 : end;
	return true;
}

bool accounts_line(struct accounts_entry *line, struct accounts_field text, bool group)
{
	struct accounts_field *field = line->fields, *last = field + (group ? GROUP_FIELDS : USER_FIELDS) - 1;
	const char *begin = text.at, *end = text.at + text.length;

	for (const char *at = begin; at < end; at++) {
		if (*at == '\0' || (*at == ':' && field == last))
			return false;
		if (*at != ':')
			continue;
		*field++ = (struct accounts_field){begin, (size_t)(at - begin)};
		begin = at + 1;
	}
	*field = (struct accounts_field){begin, (size_t)(end - begin)};
	if (field != last || line->fields[0].length == 0 || strchr("#+-", *line->fields[0].at))
		return false;
	if (group)
		return id_of(line->fields[GROUP_GID], &line->gid);
	return id_of(line->fields[USER_UID], &line->uid) && id_of(line->fields[USER_GID], &line->gid);
}

bool accounts_same(struct accounts_field field, const char *text)
{
	return strlen(text) == field.length && memcmp(text, field.at, field.length) == 0;
}

/* Ends the FIELD of BYTES with a NUL, in place. */
static char *field_text(char *bytes, struct accounts_field field)
{
	char *text = bytes + (field.at - bytes);

	text[field.length] = '\0';
	return text;
}

/* Both append at END and return the new end, so that a file is read in time linear in its size. */
static struct account **add_user(struct mem *mem, struct account **end, const struct accounts_entry *line, char *bytes)
{
	struct account *user = mem_alloc(mem, sizeof(*user));

	user->name = field_text(bytes, line->fields[USER_NAME]);
	user->home = field_text(bytes, line->fields[USER_HOME]);
	user->shell = field_text(bytes, line->fields[USER_SHELL]);
	user->uid = line->uid;
	user->gid = line->gid;
	*end = user;
	return &user->next;
}

static struct account_group **add_group(struct mem *mem, struct account_group **end, const struct accounts_entry *line,
					char *bytes)
{
	struct account_group *group = mem_alloc(mem, sizeof(*group));
	char *members = field_text(bytes, line->fields[GROUP_MEMBERS]), *member;

	group->name = field_text(bytes, line->fields[GROUP_NAME]);
	group->gid = line->gid;
	while ((member = strsep(&members, ",")))
		if (*member)
			list_take(mem, &group->members, member);
	*end = group;
	return &group->next;
}

void accounts_parse(struct accounts *accounts, struct problems *problems, const char *file, char *bytes, size_t length,
		    bool group)
{
	const char *at = bytes, *end = bytes + length;
	struct account **user = &accounts->users;
	struct account_group **members = &accounts->groups;
	struct accounts_field text;
	struct accounts_entry line;

	if (length > ACCOUNTS_BYTES) {
		problem_add(problems, file, 0, 0, "larger than 1 MiB: no such file can be right");
		return;
	}
	while (*user)
		user = &(*user)->next;
	while (*members)
		members = &(*members)->next;
	for (unsigned int number = 1; accounts_next(&at, end, &text); number++) {
		if (text.length > LINE_BYTES)
			problem_add(problems, file, number, 1, "a line longer than 64 KiB");
		else if (!accounts_line(&line, text, group))
			continue;
		else if (group)
			members = add_group(accounts->mem, members, &line, bytes);
		else
			user = add_user(accounts->mem, user, &line, bytes);
	}
}

const struct account *accounts_user(const struct accounts *accounts, const char *name)
{
	const struct account *user = accounts->users;

	while (user && strcmp(user->name, name) != 0)
		user = user->next;
	return user;
}

const struct account *accounts_user_by_id(const struct accounts *accounts, uint32_t uid)
{
	const struct account *user = accounts->users;

	while (user && user->uid != uid)
		user = user->next;
	return user;
}

const struct account_group *accounts_group(const struct accounts *accounts, const char *name)
{
	const struct account_group *group = accounts->groups;

	while (group && strcmp(group->name, name) != 0)
		group = group->next;
	return group;
}

bool accounts_add_gid(uint32_t *groups, size_t *count, size_t max, uint32_t gid)
{
	size_t at = 0;

	while (at < *count && groups[at] < gid)
		at++;
	if (at < *count && groups[at] == gid)
		return true;
	if (*count >= max)
		return false;
	memmove(groups + at + 1, groups + at, (*count - at) * sizeof(*groups));
	groups[at] = gid;
	(*count)++;
	return true;
}

static bool has_member(const struct account_group *group, const char *name)
{
	for (size_t i = 0; i < group->members.count; i++)
		if (strcmp(group->members.items[i], name) == 0)
			return true;
	return false;
}

bool accounts_member_of(const struct accounts *accounts, const char *name, uint32_t *groups, size_t *count, size_t max)
{
	for (const struct account_group *group = accounts->groups; group; group = group->next)
		if (group->gid != 0 && has_member(group, name) && !accounts_add_gid(groups, count, max, group->gid))
			return false;
	return true;
}
