#include <stdio.h>
#include <string.h>

#include "input/accounts.h"
#include "input/accounts_line.h"

#define NAME_BYTES 256 /* LOGIN_NAME_MAX of limits.h */
#define NEW_HOME "/"
#define NEW_SHELL "/sbin/nologin"

/* Accepts what useradd(8) accepts, except Samba's '$'. Digits alone would read as an id. */
static bool name_ok(const char *name)
{
	static const char digits[] = "0123456789";
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";
	size_t length = strlen(name);

	return length > 0 && length < NAME_BYTES && strspn(name, letters) == length && !strchr("-.", name[0]) &&
	       strspn(name, digits) != length;
}

/* A home or shell: absolute, without characters that end the field or the line, or control a terminal. */
static bool path_ok(const char *path)
{
	if (!path)
		return true;
	for (const char *c = path; *c; c++)
		if (*c == ':' || (unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return path[0] == '/';
}

static const char *wish_wrong(const struct accounts *accounts, const struct account_wish *wish)
{
	const struct account *user, *root = accounts_user_by_id(accounts, 0);
	const struct account_group *group;

	if (!name_ok(wish->name))
		return "its name must be letters, digits, \"_\", \"-\" and \".\", and not digits alone";
	if (!path_ok(wish->home))
		return "its home must be an absolute path without \":\" and control characters";
	if (!path_ok(wish->shell))
		return "its shell must be an absolute path without \":\" and control characters";
	if (wish->uid == ACCOUNTS_NO_ID || wish->gid == ACCOUNTS_NO_ID)
		return "4294967295 is not an id";
	if (wish->uid == 0)
		return "uid 0 is root's: choose another uid";
	if (wish->gid == 0 || (root && root->gid == wish->gid))
		return "its gid is root's: choose another gid";
	user = accounts_user(accounts, wish->name);
	group = accounts_group(accounts, wish->name);
	if ((user && user->uid == 0) || strcmp(wish->name, "root") == 0)
		return "that account is root's: choose another name";
	if (group && group->gid == 0)
		return "that group is root's";
	return NULL;
}

static void apply_user(struct accounts *accounts, const struct account_wish *wish)
{
	struct account **at = &accounts->users;

	while (*at && strcmp((*at)->name, wish->name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_alloc(accounts->mem, sizeof(**at));
		(*at)->name = mem_text(accounts->mem, wish->name);
		(*at)->home = NEW_HOME;
		(*at)->shell = NEW_SHELL;
	}
	(*at)->uid = wish->uid;
	(*at)->gid = wish->gid;
	if (wish->home)
		(*at)->home = mem_text(accounts->mem, wish->home);
	if (wish->shell)
		(*at)->shell = mem_text(accounts->mem, wish->shell);
}

static void apply_group(struct accounts *accounts, const struct account_wish *wish)
{
	struct account_group **at = &accounts->groups;

	while (*at && strcmp((*at)->name, wish->name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_alloc(accounts->mem, sizeof(**at));
		(*at)->name = mem_text(accounts->mem, wish->name);
	}
	(*at)->gid = wish->gid;
}

const char *accounts_apply(struct accounts *accounts, const struct account_wish *wish)
{
	const char *wrong = wish_wrong(accounts, wish);

	if (wrong)
		return wrong;
	apply_user(accounts, wish);
	apply_group(accounts, wish);
	return NULL;
}

/* LINE changed as WISH asks; fields that WISH does not set stay as they are. In MEM. */
static const char *line_edited(struct mem *mem, const struct accounts_entry *line, const struct account_wish *wish,
			       bool group)
{
	const size_t count = group ? GROUP_FIELDS : USER_FIELDS;
	const char *text = "";
	char uid[16], gid[16];

	snprintf(uid, sizeof(uid), "%u", wish->uid);
	snprintf(gid, sizeof(gid), "%u", wish->gid);
	for (size_t i = 0; i < count; i++) {
		const struct accounts_field *field = &line->fields[i];
		const char *now = mem_copy(mem, field->at, field->length);
		if (i == (group ? (size_t)GROUP_GID : (size_t)USER_GID))
			now = gid;
		else if (!group && i == USER_UID)
			now = uid;
		else if (!group && i == USER_HOME && wish->home)
			now = wish->home;
		else if (!group && i == USER_SHELL && wish->shell)
			now = wish->shell;
		text = mem_format(mem, "%s%s%s", text, i ? ":" : "", now);
	}
	return text;
}

const char *accounts_edit(struct mem *mem, const char *text, const struct account_wish *wish, bool group, bool *changed)
{
	const char *at = text, *end = text + strlen(text);
	const char *newline = end > text && end[-1] != '\n' ? "\n" : "";
	struct accounts_field found;
	struct accounts_entry line;

	while (accounts_next(&at, end, &found)) {
		if (!accounts_line(&line, found, group) || !accounts_same(line.fields[0], wish->name))
			continue;
		const char *edited = mem_format(mem, "%.*s%s%s", (int)(found.at - text), text,
						line_edited(mem, &line, wish, group), found.at + found.length);
		*changed = strcmp(edited, text) != 0;
		return edited;
	}
	/* "x": the password would be in shadow(5), which has no entry. */
	*changed = true;
	if (group)
		return mem_format(mem, "%s%s%s:x:%u:\n", text, newline, wish->name, wish->gid);
	return mem_format(mem, "%s%s%s:x:%u:%u::%s:%s\n", text, newline, wish->name, wish->uid, wish->gid,
			  wish->home ? wish->home : NEW_HOME, wish->shell ? wish->shell : NEW_SHELL);
}
