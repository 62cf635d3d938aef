#include "filter/read.h"

#include <errno.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

bool filter_is_null(const struct node *node)
{
	return !node || (node->kind == NODE_SCALAR && !node->quoted && strcmp(node->text, "null") == 0);
}

bool filter_is_scalar(struct filter_reader *reader, const struct node *node)
{
	return node->kind == NODE_SCALAR ||
	       yaml_problem(reader->problems, node, "one value is wanted here, not a list or a mapping");
}

bool filter_read_number(struct filter_reader *reader, const struct node *node, uint64_t max, uint64_t *number)
{
	*number = 0;
	if (!filter_is_scalar(reader, node))
		return false;
	/* A leading zero would mean octal to other readers of YAML, and JSON does not allow one. */
	const char *text = node->text;
	const bool octal = text[0] == '0' && text[1];
	errno = 0;
	if (!octal && text_is_number(text, 10, 20, number) && !errno && *number <= max)
		return true;
	return yaml_problem(reader->problems, node, "\"%s\" is not a number from 0 to %llu", text,
			    (unsigned long long)max);
}

static void unknown_key(struct filter_reader *reader, const struct node *key, const struct filter_key *keys)
{
	const char *known = keys->name;

	for (keys++; keys->name; keys++)
		known = mem_format(&reader->problems->mem, "%s, %s", known, keys->name);
	yaml_problem(reader->problems, key, "unknown key \"%s\"; known here: %s", key->text, known);
}

bool filter_read_map(struct filter_reader *reader, const struct node *map, const struct filter_key *keys)
{
	if (map->kind != NODE_MAP)
		return yaml_problem(reader->problems, map, "a mapping is wanted here");
	for (const struct node *node = map->first; node; node = node->next) {
		const struct filter_key *key = named_row(node->key->text, keys, sizeof(*keys));
		if (!key)
			unknown_key(reader, node->key, keys);
		else if (key->read && key->each && !filter_is_null(node))
			filter_read_list(reader, node, key->read);
		else if (key->read && !filter_is_null(node))
			key->read(reader, node);
	}
	return true;
}

void filter_read_list(struct filter_reader *reader, const struct node *list,
		      void (*each)(struct filter_reader *reader, const struct node *node))
{
	for (const struct node *node = NULL; (node = yaml_item(list, node));)
		each(reader, node);
}
