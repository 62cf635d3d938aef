/*
 * The wishes NAME, UID, GID, HOME and SHELL (a line each; an empty HOME or SHELL is none), a line "--", a passwd file,
 * a line "--", a group file. What must hold:
 *
 * - an id is exactly what printf("%u") writes of a number below 4294967295;
 * - of the files every line counts that the reader below takes, in that order, and no other;
 * - a group that a strict line gives to root is root's for accounts_root_has();
 * - what accounts_edit() writes parses back to what accounts_apply() planned, entry by entry; every other line is as
 *   it was; a second time it changes nothing; nobody else becomes root, and root stays what it was.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "input/accounts.h"

#define MOST_FIELDS 8

static bool strict_id(const char *text, uint32_t *id)
{
	char again[32];
	const unsigned long long value = strtoull(text, NULL, 10);

	snprintf(again, sizeof(again), "%llu", value);
	*id = (uint32_t)value;
	return strcmp(again, text) == 0 && value < UINT32_MAX;
}

static void check_id(const char *text)
{
	uint32_t is = 0, should = 0;
	const bool good = strict_id(text, &should);

	FUZZ_HOLDS(accounts_id(text, &is) == good);
	FUZZ_HOLDS(!good || is == should);
}

/* The fields of LINE, cut in place; their number, MOST_FIELDS where there are more. */
static size_t cut(char *line, char **fields)
{
	size_t count = 0;

	for (char *at = line; at && count < MOST_FIELDS; count++) {
		char *colon = strchr(at, ':');
		fields[count] = at;
		if (colon)
			*colon = '\0';
		at = colon ? colon + 1 : NULL;
	}
	return count;
}

/* Is LINE (its own to change) an entry? */
static bool entry(char *line, bool group, char **fields, uint32_t *uid, uint32_t *gid)
{
	if (cut(line, fields) != (group ? 4 : 7) || !fields[0][0] || strchr("#+-", fields[0][0]))
		return false;
	*uid = 0;
	return group ? strict_id(fields[2], gid) : strict_id(fields[2], uid) && strict_id(fields[3], gid);
}

/* The next line of *AT, in MEM; NULL behind the last. *HAS_NUL: it cannot be an entry. */
static char *next_line(struct mem *mem, const char **at, const char *end, bool *has_nul)
{
	const char *begin = *at;

	if (begin == end)
		return NULL;
	while (*at < end && **at != '\n')
		(*at)++;
	char *line = mem_copy(mem, begin, (size_t)(*at - begin));
	*has_nul = strlen(line) != (size_t)(*at - begin);
	*at += *at < end;
	return line;
}

static void check_users(struct mem *mem, const struct account *user, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	char *fields[MOST_FIELDS], *line;
	uint32_t uid, gid;
	bool has_nul;

	while ((line = next_line(mem, &at, end, &has_nul))) {
		if (has_nul || !entry(line, false, fields, &uid, &gid))
			continue;
		FUZZ_HOLDS(user && strcmp(user->name, fields[0]) == 0 && user->uid == uid && user->gid == gid);
		FUZZ_HOLDS(strcmp(user->home, fields[5]) == 0 && strcmp(user->shell, fields[6]) == 0);
		FUZZ_HOLDS(user->uid != ACCOUNTS_NO_ID && user->gid != ACCOUNTS_NO_ID);
		user = user->next;
	}
	FUZZ_HOLDS(!user);
}

static void check_groups(struct mem *mem, const struct account *group, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	char *fields[MOST_FIELDS], *line;
	uint32_t uid, gid;
	bool has_nul;

	while ((line = next_line(mem, &at, end, &has_nul))) {
		if (has_nul || !entry(line, true, fields, &uid, &gid))
			continue;
		FUZZ_HOLDS(group && strcmp(group->name, fields[0]) == 0 && group->gid == gid);
		size_t i = 0;
		for (char *rest = fields[3], *name; (name = strsep(&rest, ","));)
			FUZZ_HOLDS(!*name ||
				   (i < group->members.count && strcmp(group->members.items[i++], name) == 0));
		FUZZ_HOLDS(i == group->members.count);
		group = group->next;
	}
	FUZZ_HOLDS(!group);
}

static struct accounts parse(struct problems *problems, const char *users, size_t nusers, const char *groups,
			     size_t ngroups)
{
	struct accounts accounts = {.mem = &problems->mem, .root_asked = true};

	accounts_parse(&accounts, problems, "passwd", mem_copy(&problems->mem, users, nusers), nusers, false);
	accounts_parse(&accounts, problems, "group", mem_copy(&problems->mem, groups, ngroups), ngroups, true);
	for (const struct account *g = accounts.groups; g; g = g->next)
		FUZZ_HOLDS(g->gid == 0 || !list_has(&g->members, "root") || accounts_root_has(&accounts, g->gid));
	return accounts;
}

static void check_same(const struct accounts *a, const struct accounts *b)
{
	const struct account *user = b->users;
	const struct account *group = b->groups;

	for (const struct account *u = a->users; u; u = u->next, user = user->next)
		FUZZ_HOLDS(user && strcmp(u->name, user->name) == 0 && u->uid == user->uid && u->gid == user->gid &&
			   strcmp(u->home, user->home) == 0 && strcmp(u->shell, user->shell) == 0);
	FUZZ_HOLDS(!user);
	for (const struct account *g = a->groups; g; g = g->next, group = group->next) {
		FUZZ_HOLDS(group && strcmp(g->name, group->name) == 0 && g->gid == group->gid);
		FUZZ_HOLDS(g->members.count == group->members.count);
		for (size_t i = 0; i < g->members.count; i++)
			FUZZ_HOLDS(strcmp(g->members.items[i], group->members.items[i]) == 0);
	}
	FUZZ_HOLDS(!group);
}

/* TEXT with WISH in it: one line more or one line otherwise, and the second time the same. */
static const char *edited(struct mem *mem, const char *text, const struct account_wish *wish, bool group)
{
	bool changed = false, again = true;
	const char *result = accounts_edit(mem, text, wish, group, &changed);
	const char *twice = accounts_edit(mem, result, wish, group, &again);
	size_t length = strlen(text), now = strlen(result), front = 0, back = 0;

	FUZZ_HOLDS(!again && strcmp(result, twice) == 0);
	FUZZ_HOLDS(changed == (strcmp(result, text) != 0));
	/* What differs is in one line: between the last newline before it and the first one behind it. */
	while (front < length && front < now && text[front] == result[front])
		front++;
	while (back < length - front && back < now - front && text[length - 1 - back] == result[now - 1 - back])
		back++;
	FUZZ_HOLDS(!memchr(text + front, '\n', length - front - back));
	size_t newlines = 0;
	for (size_t i = front; i < now - back; i++)
		newlines += result[i] == '\n';
	FUZZ_HOLDS(newlines <= 2);
	return result;
}

static void check_wish(struct problems *problems, const struct account_wish *wish, const char *users, size_t nusers,
		       const char *groups, size_t ngroups)
{
	struct mem *mem = &problems->mem;
	struct accounts planned = parse(problems, users, nusers, groups, ngroups);
	const struct account *root = accounts_user_by_id(&planned, 0);
	const struct account old = root ? *root : (struct account){0};
	const char *why = accounts_apply(&planned, wish);

	FUZZ_HOLDS(!why || why[0]);
	/* Files with a NUL byte are not edited. */
	if (why || strlen(users) != nusers || strlen(groups) != ngroups)
		return;
	FUZZ_HOLDS(wish->uid != 0 && wish->gid != 0 && wish->uid != ACCOUNTS_NO_ID && wish->gid != ACCOUNTS_NO_ID);
	const char *new_users = edited(mem, users, wish, false), *new_groups = edited(mem, groups, wish, true);
	struct accounts written = parse(problems, new_users, strlen(new_users), new_groups, strlen(new_groups));

	FUZZ_HOLDS(problems->count == 0);
	check_same(&planned, &written);
	const struct account *user = accounts_named(written.users, wish->name);
	const struct account *group = accounts_named(written.groups, wish->name);
	FUZZ_HOLDS(user && user->uid == wish->uid && user->gid == wish->gid);
	FUZZ_HOLDS(group && group->gid == wish->gid);
	FUZZ_HOLDS(!wish->home || strcmp(user->home, wish->home) == 0);
	FUZZ_HOLDS(!wish->shell || strcmp(user->shell, wish->shell) == 0);
	root = accounts_user_by_id(&written, 0);
	FUZZ_HOLDS((root != NULL) == (old.name != NULL));
	FUZZ_HOLDS(!root || (strcmp(root->name, old.name) == 0 && root->gid == old.gid && root->gid != wish->gid));
}

/* The ids of all groups of NAME: ascending, none twice, none that is not in the file. */
static void check_member(const struct accounts *accounts, const char *name)
{
	uint32_t ids[8];
	struct gids gids = {.ids = ids, .room = 8};

	gids_add_of(&gids, accounts, name);
	FUZZ_HOLDS(gids.count == 8 || (gids.count < 8 && !gids.full));
	for (size_t i = 0; i < gids.count; i++)
		FUZZ_HOLDS(ids[i] != ACCOUNTS_NO_ID && (i == 0 || ids[i - 1] < ids[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct problems problems;
	struct mem *mem = &problems.mem;
	const uint8_t *at = bytes, *end = bytes + length;
	const char *fields[5] = {"", "", "", "", ""}, *rest = fuzz_part(mem, &at, end, NULL);
	size_t nusers, ngroups;
	struct account_wish wish;

	const char *users = fuzz_part(mem, &at, end, &nusers);
	ngroups = (size_t)(end - at);
	const char *groups = mem_copy(mem, (const char *)at, ngroups);
	for (size_t i = 0; i < 5 && *rest; i++) {
		fields[i] = mem_copy(mem, rest, strcspn(rest, "\n"));
		rest += strcspn(rest, "\n");
		rest += *rest == '\n';
	}
	check_id(fields[1]);
	check_id(fields[2]);
	struct accounts accounts = parse(&problems, users, nusers, groups, ngroups);
	if (problems.count == 0) {
		check_users(mem, accounts.users, users, nusers);
		check_groups(mem, accounts.groups, groups, ngroups);
		check_member(&accounts, fields[0]);
		wish = (struct account_wish){.name = fields[0],
					     .home = *fields[3] ? fields[3] : NULL,
					     .shell = *fields[4] ? fields[4] : NULL};
		if (accounts_id(fields[1], &wish.uid) && accounts_id(fields[2], &wish.gid))
			check_wish(&problems, &wish, users, nusers, groups, ngroups);
	}
	mem_release(mem);
	memset(&problems, 0, sizeof(problems));
	return 0;
}
