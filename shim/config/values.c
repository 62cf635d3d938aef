#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/text.h"
#include "config/parts.h"

void value_unknown(struct plan *plan, const struct node *key, const char *what, const char *nearest)
{
	if (environ_has_reference(key->text))
		value_problem(plan, key, "\"%s\": a key cannot come from the environment: write it out", key->text);
	else if (nearest)
		value_problem(plan, key, "unknown %s \"%s\": did you mean \"%s\"?", what, key->text, nearest);
	else
		value_problem(plan, key, "unknown %s \"%s\": see capshim.yaml(5) for those that exist", what,
			      key->text);
}

const void *value_row(struct plan *plan, const struct node *key, const char *what, const void *table, size_t size)
{
	const void *row = named_row(key->text, table, size);

	if (!row)
		value_unknown(plan, key, what, nearest_name(key->text, table, size));
	return row;
}

bool value_known(struct plan *plan, const struct node *map, const void *table, size_t size)
{
	if (!value_is_map(plan, map, ": write \"key: value\" lines, or {key: value}"))
		return false;
	for (const struct node *n = map->first; n; n = n->next)
		(void)value_row(plan, n->key, "key", table, size);
	return true;
}

bool value_keys(struct plan *plan, const struct node *map, const char *const *names)
{
	return value_known(plan, map, names, sizeof(*names));
}

bool value_map(struct plan *plan, const struct node *map, const struct key *table, void *to)
{
	for (const struct key *row = table; row->name; row++) {
		const struct node *node = yaml_get(map, row->name);
		if (node)
			row->read(plan, node, (char *)to + row->offset);
	}
	return value_known(plan, map, table, sizeof(*table));
}

bool value_is_map(struct plan *plan, const struct node *node, const char *example)
{
	return node->kind == NODE_MAP || value_problem(plan, node, "must be a mapping%s", example);
}

static bool is_scalar(struct plan *plan, const struct node *node)
{
	return node->kind == NODE_SCALAR ||
	       value_problem(plan, node,
			     node->kind == NODE_LIST
				     ? "must be one value, not a list: write it without [ ] or \"- \""
				     : "must be one value, not a mapping: write it in one line behind its key");
}

const char *value_text(struct plan *plan, const struct node *node)
{
	if (!is_scalar(plan, node))
		return NULL;
	return environ_expand(plan->unused ? NULL : &plan->env, &plan->problems, node);
}

const char *value_fixed(struct plan *plan, const struct node *node)
{
	if (!is_scalar(plan, node))
		return NULL;
	if (!environ_has_reference(node->text))
		return node->text;
	value_problem(plan, node,
		      "\"%s\": a value that decides about privileges cannot come from the environment: write it out",
		      node->text);
	return NULL;
}

bool value_bool(struct plan *plan, const struct node *node, bool *to)
{
	const char *text = value_text(plan, node);

	if (!text)
		return false;
	*to = strcmp(text, "true") == 0;
	if (*to || strcmp(text, "false") == 0)
		return true;
	return value_problem(plan, node, "\"%s\" must be true or false", text);
}

bool value_number(struct plan *plan, const struct node *node, long long min, long long max, long long *to)
{
	const char *text = value_text(plan, node);
	uint64_t number;

	if (!text)
		return false;
	if (text_is_number(text + (*text == '-'), 10, 18, &number)) {
		*to = *text == '-' ? -(long long)number : (long long)number;
		if (*to >= min && *to <= max)
			return true;
	}
	return value_problem(plan, node, "\"%s\" must be a whole number from %lld to %lld", text, min, max);
}

bool value_octal(struct plan *plan, const struct node *node, const char *example, mode_t *to)
{
	const char *text = value_text(plan, node);
	uint64_t mode, decimal = 0;

	if (!text)
		return false;
	if (text[0] == '0' && text_is_number(text, 8, 5, &mode) && mode <= 07777) {
		*to = (mode_t)mode;
		return true;
	}
	/* Helm and the like write octal numbers back as decimal ones: 0400 as 256. A mode that its owner can read is one. */
	const bool octal = text[0] != '0' && text_is_number(text, 8, 4, &mode);
	const bool was =
		text[0] != '0' && text_is_number(text, 10, 4, &decimal) && decimal & S_IRUSR && decimal <= 07777;
	const char *instead = octal || was ? "" : mem_format(plan->mem, "such a number, for example %s", example);
	if (octal)
		instead = mem_format(plan->mem, "\"0%s\"%s", text, was ? ", or " : "");
	if (was)
		instead = mem_format(plan->mem, "%s\"0%lo\" if a tool such as Helm made a decimal number of it",
				     instead, (unsigned long)decimal);
	return value_problem(plan, node, "\"%s\" must be octal and begin with 0: write %s", text, instead);
}

bool value_seconds(struct plan *plan, const struct node *node, unsigned int *to)
{
	static const struct unit {
		const char *name;
		unsigned long seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {NULL, 0}};
	const char *text = value_text(plan, node);

	if (!text)
		return false;
	const char *end;
	const uint64_t number = text_number(text, 10, &end);
	const struct unit *unit = *text >= '0' && end > text ? named_row(end, units, sizeof(*units)) : NULL;
	if (!unit)
		return value_problem(plan, node, "\"%s\" must be a time such as 30, 30s, 5m or 1h", text);
	const unsigned long most = INT_MAX / unit->seconds;
	if (number > most)
		return value_problem(plan, node, "\"%s\" is too long: write at most %lu%s", text, most, unit->name);
	*to = (unsigned int)(number * unit->seconds);
	return true;
}

/* PATH without doubled slashes and without one at the end, which would mean "follow the link", path_resolution(7). */
static const char *plain_path(struct plan *plan, const char *path)
{
	char *plain = mem_text(plan->mem, path), *to = plain;

	for (const char *from = path; *from; from++)
		if (*from != '/' || (from[1] != '/' && (from[1] || to == plain)))
			*to++ = *from;
	*to = '\0';
	return plain;
}

static const char *checked_path(struct plan *plan, const struct node *node, const char *path)
{
	if (!path)
		return NULL;
	if (path[0] != '/') {
		value_problem(plan, node,
			      *path ? "\"%s\" must be an absolute path: begin it with /"
				    : "the path is missing%s: write one behind the colon, such as /data",
			      path);
		return NULL;
	}
	for (const char *at = path; *at; at += strcspn(at, "/")) {
		at += strspn(at, "/");
		size_t length = strcspn(at, "/");
		if ((length == 1 && at[0] == '.') || (length == 2 && at[0] == '.' && at[1] == '.')) {
			value_problem(plan, node, "\"%s\" must not have . or .. components: write it out", path);
			return NULL;
		}
	}
	return path;
}

const char *value_path(struct plan *plan, const struct node *node)
{
	const char *path = checked_path(plan, node, value_text(plan, node));

	return path ? plain_path(plan, path) : NULL;
}

const char *value_target(struct plan *plan, const struct node *node)
{
	return checked_path(plan, node, value_text(plan, node));
}

const char *value_fixed_path(struct plan *plan, const struct node *node)
{
	return checked_path(plan, node, value_fixed(plan, node));
}

const char *value_variable(struct plan *plan, const struct node *node)
{
	if (!is_scalar(plan, node))
		return NULL;
	if (*node->text && !strpbrk(node->text, "$=, \t"))
		return node->text;
	value_problem(plan, node, "\"%s\" must be the name of a variable, without $, = or anything else around it",
		      node->text);
	return NULL;
}

void key_bool(struct plan *plan, const struct node *node, void *to)
{
	(void)value_bool(plan, node, to);
}

void key_pathname(struct plan *plan, const struct node *node, void *to)
{
	*(const char **)to = value_path(plan, node);
}

void key_texts(struct plan *plan, const struct node *node, void *to)
{
	(void)value_list(plan, node, value_text, to);
}

unsigned int value_word(struct plan *plan, const struct node *node, const char *const *words)
{
	const char *text = node ? value_text(plan, node) : NULL, *all = "";

	if (!text)
		return 0;
	for (unsigned int i = 0; words[i]; i++) {
		if (strcmp(text, words[i]) == 0)
			return i;
		all = mem_format(plan->mem, "%s%s%s", all, i ? ", " : "", words[i]);
	}
	value_problem(plan, node, "\"%s\" must be one of %s", text, all);
	return 0;
}

/* Nothing is written, which YAML calls null. */
static bool is_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && !node->quoted && (!*node->text || strcmp(node->text, "~") == 0);
}

/*
 * A key whose items are all commented out must not pass for one item, nor a list without its brackets. Otherwise adds a
 * problem.
 */
static bool has_items(struct plan *plan, const struct node *node)
{
	if (is_null(node))
		return value_problem(plan, node,
				     "nothing is written here: write a value or a list, or leave the key out");
	if (node->kind == NODE_SCALAR && !node->quoted && strstr(node->text, ", "))
		return value_problem(plan, node,
				     "\"%s\" is one value: write a list such as [A, B], or quotes if it has a comma",
				     node->text);
	return true;
}

unsigned int value_fixed_word(struct plan *plan, const struct node *node, const char *const *words)
{
	return node && value_fixed(plan, node) ? value_word(plan, node, words) : 0;
}

void value_each(struct plan *plan, const struct node *node, key_reader *each, void *to)
{
	if (!has_items(plan, node))
		return;
	for (const struct node *item = NULL; (item = yaml_item(node, item));)
		each(plan, item, to);
}

bool value_list(struct plan *plan, const struct node *node, const char *(*read)(struct plan *, const struct node *),
		struct list *to)
{
	bool good = true;

	if (!has_items(plan, node))
		return false;
	for (const struct node *item = NULL; (item = yaml_item(node, item));) {
		const char *text = read(plan, item);
		if (text)
			list_add(plan->mem, to, text);
		else
			good = false;
	}
	return good;
}

const struct node *value_entry(const struct node *node, const struct node *before)
{
	return node->kind != NODE_MAP ? yaml_item(node, before) : before ? before->next : node->first;
}

char *value_pair(struct plan *plan, const struct node *of, const struct node *entry)
{
	const char *text = of->kind == NODE_SCALAR && !has_items(plan, of) ? NULL : value_text(plan, entry);

	if (!text)
		return NULL;
	if (of->kind == NODE_MAP)
		return mem_format(plan->mem, "%s=%s", entry->key->text, text);
	return mem_text(plan->mem, text);
}

bool value_pairs(struct plan *plan, const struct node *node, const struct node *but, struct list *to)
{
	bool good = true;

	for (const struct node *entry = NULL; (entry = value_entry(node, entry));) {
		char *text = entry == but ? NULL : value_pair(plan, node, entry);
		if (text && node->kind != NODE_MAP && (text[0] == '=' || !strchr(text, '=')))
			good = value_problem(plan, entry, "must be KEY=VALUE");
		else if (text)
			list_take(plan->mem, to, text);
		good &= text || entry == but;
	}
	return good;
}

bool value_argv(struct plan *plan, const struct node *node, struct list *to)
{
	if (node->kind == NODE_SCALAR && !node->quoted && strpbrk(node->text, " \t"))
		return value_problem(plan, node,
				     "\"%s\" must be a list of program and arguments, such as "
				     "[program, argument]: no shell splits it",
				     node->text);
	if (node->kind == NODE_MAP || (node->kind == NODE_LIST && node->count == 0) || is_null(node))
		return value_problem(plan, node,
				     "must be a list of program and arguments, such as [program, argument]");
	return value_list(plan, node, value_text, to);
}

bool value_program(struct plan *plan, const struct node *node, struct list *to)
{
	const struct node *program = yaml_item(node, NULL);

	if (program && program->kind == NODE_SCALAR && !value_fixed(plan, program))
		return false;
	if (!value_argv(plan, node, to) || !program)
		return false;
	return to->items[0][0] || value_problem(plan, program, "the name of a program must not be empty");
}

static void unknown_capability(struct plan *plan, const struct node *node, const char *text)
{
	const struct list all = capability_names(plan->mem, UINT64_MAX >> (63 - CAP_LAST_CAP), false);
	const char *nearest =
		nearest_name(strncasecmp(text, "cap_", 4) == 0 ? text + 4 : text, all.items, sizeof(*all.items));
	if (strpbrk(text, ", "))
		value_problem(plan, node, "\"%s\" is not a capability: write a list, such as [NET_RAW, KILL]", text);
	else if (nearest && strcasecmp(text, "all") != 0)
		value_problem(plan, node, "\"%s\" is not a capability: did you mean %s?", text, nearest);
	else
		value_problem(plan, node,
			      "\"%s\" is not a capability: name each one that is needed, such as NET_BIND_SERVICE",
			      text);
}

void value_capability(struct plan *plan, const struct node *node, void *to)
{
	const char *text = value_fixed(plan, node);
	int number = text ? capability_number(text) : 0;

	if (number >= 0 && text)
		*(uint64_t *)to |= CAPABILITY_BIT(number);
	else if (text)
		unknown_capability(plan, node, text);
}

void value_capabilities(struct plan *plan, const struct node *node, void *to)
{
	value_each(plan, node, value_capability, to);
}
