#include <string.h>

#include "input/accounts.h"

#define NAMES_MOST 256 /* names of uid 0; with more of them every member counts as root, and the time stays linear */

/* A name of uid 0, or a group that root has. Names point into the bytes of passwd. */
struct accounts_root {
	const struct accounts_root *next;
	const char *name;
	size_t length; /* of NAME */
	uint32_t gid;
};

struct field {
	const char *text; /* NULL: there is none */
	size_t length;
};

/* Unicode has blanks as well, so a byte above ASCII counts as one. */
static bool is_blank(char c)
{
	return c <= ' ' || c > '~';
}

/* Takes from REST what stands before MARK, or all of it; returns it without blanks around it. */
static struct field next_field(struct field *rest, char mark)
{
	if (!rest->text)
		return *rest;
	const char *end = memchr(rest->text, mark, rest->length);
	struct field field = {rest->text, end ? (size_t)(end - rest->text) : rest->length};

	*rest = end ? (struct field){end + 1, rest->length - field.length - 1} : (struct field){NULL, 0};
	for (; field.length > 0 && is_blank(field.text[0]); field.length--)
		field.text++;
	while (field.length > 0 && is_blank(field.text[field.length - 1]))
		field.length--;
	return field;
}

/*
 * The number that FIELD begins with, modulo 2^32, which is what an engine hands to the kernel. *NUMBER: it is nothing else.
 */
static uint32_t loose_id(struct field field, bool *number)
{
	size_t at = field.length > 0 && (field.text[0] == '-' || field.text[0] == '+');
	const bool minus = at && field.text[0] == '-';
	uint32_t id = 0;

	for (; at < field.length && field.text[at] >= '0' && field.text[at] <= '9'; at++)
		id = id * 10 + (uint32_t)(field.text[at] - '0');
	*number = at == field.length;
	return minus ? 0 - id : id;
}

static bool names_root(const struct accounts *accounts, struct field name)
{
	bool is = accounts->nroot_names > NAMES_MOST || (name.length == 4 && memcmp(name.text, "root", 4) == 0);

	for (const struct accounts_root *root = accounts->root_names; root && !is; root = root->next)
		is = root->length == name.length && memcmp(root->name, name.text, name.length) == 0;
	return is;
}

static const struct accounts_root *add_root(struct accounts *accounts, const struct accounts_root *next,
					    struct field name, uint32_t gid)
{
	struct accounts_root *root = mem_alloc(accounts->mem, sizeof(*root));

	*root = (struct accounts_root){next, name.text, name.length, gid};
	return root;
}

void accounts_note_root(struct accounts *accounts, const char *line, size_t length, bool group)
{
	struct field rest = {line, length};
	const struct field name = next_field(&rest, ':');
	bool number, root = false;

	(void)next_field(&rest, ':');
	uint32_t gid = loose_id(next_field(&rest, ':'), &number);
	if (group) {
		struct field members = next_field(&rest, ':');
		while (members.text && !root) {
			const struct field member = next_field(&members, ',');
			root = member.length > 0 && names_root(accounts, member);
		}
	} else if (name.length > 0 && (gid == 0 || !number)) { /* engines take 0 for what is not a number */
		root = true;
		gid = loose_id(next_field(&rest, ':'), &number);
		if (accounts->nroot_names++ < NAMES_MOST)
			accounts->root_names = add_root(accounts, accounts->root_names, name, gid);
	}
	if (root && gid != 0)
		accounts->root_groups = add_root(accounts, accounts->root_groups, name, gid);
}

bool accounts_root_has(const struct accounts *accounts, uint32_t gid)
{
	const struct accounts_root *root = accounts->root_groups;

	while (root && root->gid != gid)
		root = root->next;
	return root;
}
