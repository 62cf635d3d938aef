#include "input/accounts.h"

#include <string.h>

#define LINE_BYTES ((size_t)64 * 1024)
#define ID_DIGITS 10
#define NAME_BYTES 256 /* LOGIN_NAME_MAX of limits.h */
#define ALLOCATED 8    /* accounts at a time */
#define NEW_HOME "/"
#define NEW_SHELL "/sbin/nologin"

enum { USER_NAME, USER_PASSWORD, USER_UID, USER_GID, USER_GECOS, USER_HOME, USER_SHELL, USER_FIELDS };
enum { GROUP_NAME, GROUP_PASSWORD, GROUP_GID, GROUP_MEMBERS, GROUP_FIELDS };

bool accounts_id(const char *text, uint32_t *id)
{
	uint64_t value = 0;
	size_t digits = 0;

	while (text[digits] >= '0' && text[digits] <= '9' && digits <= ID_DIGITS)
		value = value * 10 + (uint64_t)(text[digits++] - '0');
	/* Other programs read a leading zero as octal: two readers must not see two different ids. */
	if (digits == 0 || digits > ID_DIGITS || text[digits] || (digits > 1 && text[0] == '0') ||
	    value >= ACCOUNTS_NO_ID)
		return false;
	*id = (uint32_t)value;
	return true;
}

/*
 * Cuts LINE, which has LENGTH bytes, into FIELDS. Is it a line of passwd (GROUP false) or group (GROUP true)? That is: the
 * number of fields of passwd(5) or group(5), strict ids, a name, no NUL byte. Comments and the + and - lines of NIS are not.
 */
static bool cut_line(char *line, size_t length, bool group, char **fields, uint32_t *uid, uint32_t *gid)
{
	const size_t count = group ? GROUP_FIELDS : USER_FIELDS;
	size_t cut = 1;
	char *at;

	/* Empty, until they are found. */
	for (size_t i = 0; i < USER_FIELDS; i++)
		fields[i] = line + length;
	fields[0] = line;
	for (at = strchrnul(line, ':'); *at; at = strchrnul(at + 1, ':')) {
		if (cut == count)
			return false;
		*at = '\0';
		fields[cut++] = at + 1;
	}
	/* A NUL byte inside of the line ended the loop, too. */
	if (at != line + length || cut != count || !line[0] || line[0] == '#' || line[0] == '+' || line[0] == '-')
		return false;
	return group ? accounts_id(fields[GROUP_GID], gid)
		     : accounts_id(fields[USER_UID], uid) && accounts_id(fields[USER_GID], gid);
}

/* Is LINE an account? Puts it into ACCOUNT. */
static bool read_account(struct mem *mem, struct account *account, char *line, size_t length, bool group)
{
	char *fields[USER_FIELDS], *member;
	uint32_t uid = ACCOUNTS_NO_ID, gid;

	if (!cut_line(line, length, group, fields, &uid, &gid))
		return false;
	*account = (struct account){.name = fields[0], .uid = uid, .gid = gid};
	if (!group) {
		account->home = fields[USER_HOME];
		account->shell = fields[USER_SHELL];
		return true;
	}
	while ((member = strsep(&fields[GROUP_MEMBERS], ",")))
		if (*member)
			list_take(mem, &account->members, member);
	return true;
}

void accounts_parse(struct accounts *accounts, struct problems *problems, const char *file, char *bytes, size_t length,
		    bool group)
{
	/* Appends at END, so that a file is read in time linear in its size. */
	struct account **end = group ? &accounts->groups : &accounts->users;
	struct account *next = NULL, *full = NULL;
	char *line = bytes;

	while (*end)
		end = &(*end)->next;
	for (unsigned int number = 1; line < bytes + length; number++) {
		char *newline = memchr(line, '\n', (size_t)(bytes + length - line));
		const size_t size = (size_t)((newline ? newline : bytes + length) - line);
		if (accounts->root_asked)
			accounts_note_root(accounts, line, size, group);
		line[size] = '\0';
		if (next == full) {
			next = mem_array(accounts->mem, ALLOCATED, sizeof(*next));
			full = next + ALLOCATED;
		}
		if (size > LINE_BYTES) {
			problem_add(problems, file, number, 1, "a line longer than 64 KiB");
		} else if (read_account(accounts->mem, next, line, size, group)) {
			*end = next++;
			end = &(*end)->next;
		}
		line += size + 1;
	}
}

const struct account *accounts_named(const struct account *from, const char *name)
{
	while (from && strcmp(from->name, name) != 0)
		from = from->next;
	return from;
}

const struct account *accounts_user_by_id(const struct accounts *accounts, uint32_t uid)
{
	const struct account *user = accounts->users;

	while (user && user->uid != uid)
		user = user->next;
	return user;
}

void gids_add(struct gids *to, uint32_t gid)
{
	size_t at = to->count; /* from the end: the kernel's list is in order */

	while (at > 0 && to->ids[at - 1] > gid)
		at--;
	if (at > 0 && to->ids[at - 1] == gid)
		return;
	if (to->count == to->room) {
		to->full = true;
		return;
	}
	memmove(to->ids + at + 1, to->ids + at, (to->count++ - at) * sizeof(*to->ids));
	to->ids[at] = gid;
}

bool gids_have(const uint32_t *groups, size_t count, uint32_t gid)
{
	while (count > 0 && groups[count - 1] != gid)
		count--;
	return count > 0;
}

void gids_add_of(struct gids *to, const struct accounts *accounts, const char *name)
{
	for (const struct account *group = accounts->groups; group; group = group->next)
		if (group->gid != 0 && list_has(&group->members, name))
			gids_add(to, group->gid);
}

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
	const struct account *user = accounts_named(accounts->users, wish->name);
	const struct account *group = accounts_named(accounts->groups, wish->name);
	const struct account *root = accounts_user_by_id(accounts, 0);

	if (!name_ok(wish->name))
		return "its name must be letters, digits, \"_\", \"-\" and \".\", and not digits alone";
	if (!path_ok(wish->home))
		return "its home must be an absolute path without \":\" and control characters";
	if (!path_ok(wish->shell))
		return "its shell must be an absolute path without \":\" and control characters";
	if (wish->uid == 0)
		return "uid 0 is root's: choose another uid";
	if (wish->gid == 0 || (root && root->gid == wish->gid))
		return "its gid is root's: choose another gid";
	if ((user && user->uid == 0) || strcmp(wish->name, "root") == 0)
		return "that account is root's: choose another name";
	if (group && group->gid == 0)
		return "that group is root's";
	return NULL;
}

/* The account NAME of the list AT, or a new one at its end. */
static struct account *account_of(struct mem *mem, struct account **at, const char *name)
{
	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (!*at) {
		*at = mem_alloc(mem, sizeof(**at));
		**at = (struct account){.name = name, .home = NEW_HOME, .shell = NEW_SHELL};
	}
	return *at;
}

const char *accounts_apply(struct accounts *accounts, const struct account_wish *wish)
{
	const char *wrong = wish_wrong(accounts, wish);

	if (wrong)
		return wrong;
	struct account *user = account_of(accounts->mem, &accounts->users, wish->name);
	user->uid = wish->uid;
	user->gid = wish->gid;
	user->home = wish->home ? wish->home : user->home;
	user->shell = wish->shell ? wish->shell : user->shell;
	account_of(accounts->mem, &accounts->groups, wish->name)->gid = wish->gid;
	return NULL;
}

/* The line of FIELDS changed as WISH asks. In MEM. */
static const char *wished_line(struct mem *mem, char *const *fields, const struct account_wish *wish, bool group)
{
	if (group)
		return mem_format(mem, "%s:%s:%u:%s", fields[GROUP_NAME], fields[GROUP_PASSWORD], wish->gid,
				  fields[GROUP_MEMBERS]);
	return mem_format(mem, "%s:%s:%u:%u:%s:%s:%s", fields[USER_NAME], fields[USER_PASSWORD], wish->uid, wish->gid,
			  fields[USER_GECOS], wish->home ? wish->home : fields[USER_HOME],
			  wish->shell ? wish->shell : fields[USER_SHELL]);
}

const char *accounts_edit(struct mem *mem, const char *text, const struct account_wish *wish, bool group, bool *changed)
{
	char *copy = mem_text(mem, text), *rest = copy, *line, *fields[USER_FIELDS];
	uint32_t uid, gid;

	while ((line = strsep(&rest, "\n"))) {
		const size_t length = strlen(line);
		if (!cut_line(line, length, group, fields, &uid, &gid) || strcmp(fields[0], wish->name) != 0)
			continue;
		const char *edited = mem_format(mem, "%.*s%s%s", (int)(line - copy), text,
						wished_line(mem, fields, wish, group), text + (line - copy) + length);
		*changed = strcmp(edited, text) != 0;
		return edited;
	}
	/* "x": the password would be in shadow(5), which has no entry. */
	const size_t length = strlen(text);
	const char *newline = length && text[length - 1] != '\n' ? "\n" : "";
	*changed = true;
	if (group)
		return mem_format(mem, "%s%s%s:x:%u:\n", text, newline, wish->name, wish->gid);
	return mem_format(mem, "%s%s%s:x:%u:%u::%s:%s\n", text, newline, wish->name, wish->uid, wish->gid,
			  wish->home ? wish->home : NEW_HOME, wish->shell ? wish->shell : NEW_SHELL);
}
