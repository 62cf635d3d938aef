#include <string.h>

#include "input/yaml_source.h"

#define KEY_MAX_BYTES 1000 /* libyaml takes 1024 characters, with the quotes */
#define NODES 64           /* allocated together: a profile has 2000, and what mem.h needs for each is a fifth more */

/* Texts are not copied: they stay where they stand, and end at the latest at the quote behind them. */
struct json {
	const struct source *source;
	char *at, *line_begins; /* in a copy of the source, which ends with a NUL */
	unsigned int line;
	size_t values;
	struct node *nodes; /* the newest NODES of the values */
};

/* The next byte that is no blank. */
static char look(struct json *json)
{
	for (;; json->at++) {
		if (*json->at == '\n') {
			json->line++;
			json->line_begins = json->at + 1;
		} else if (*json->at != ' ' && *json->at != '\t') {
			return *json->at;
		}
	}
}

static bool json_string(struct json *json, struct node *node)
{
	char *end = ++json->at;

	node->text = end;
	node->quoted = true;
	while (*json->at >= ' ' && *json->at <= '~' && *json->at != '"') {
		if (*json->at == '\\' && *++json->at != '"' && *json->at != '\\')
			return false;
		*end++ = *json->at++;
	}
	if (*json->at != '"')
		return false;
	json->at++;
	*end = '\0';
	return true;
}

/* A number without sign, point and exponent, true, false or null; YAML reads more, and all of them as text. */
static bool json_word(struct json *json, struct node *node)
{
	const char *begin = json->at;

	while ((*json->at >= '0' && *json->at <= '9') || (*json->at >= 'a' && *json->at <= 'z'))
		json->at++;
	node->text = mem_copy(&json->source->problems->mem, begin, (size_t)(json->at - begin));
	return json->at > begin;
}

static struct node *json_value(struct json *json, unsigned int level);

/* YAML wants a key and its ':' in one line. */
static const struct node *json_key(struct json *json, const struct node *map, unsigned int level)
{
	const struct node *key = look(json) == '"' ? json_value(json, level) : NULL;

	if (!key || *json->at != ':' || json->at - key->text > KEY_MAX_BYTES || yaml_get(map, key->text))
		return NULL;
	json->at++;
	return key;
}

static bool json_members(struct json *json, struct node *node, unsigned int level)
{
	const char close = *json->at++ == '{' ? '}' : ']';
	struct node **end = &node->first;

	node->kind = close == '}' ? NODE_MAP : NODE_LIST;
	while (look(json) != close || node->count > 0) {
		const struct node *key = close == '}' ? json_key(json, node, level) : NULL;
		struct node *value = key || close == ']' ? json_value(json, level) : NULL;
		if (!value)
			return false;
		value->key = key;
		*end = value;
		end = &value->next;
		node->count++;
		if (look(json) == close)
			break;
		if (*json->at != ',')
			return false;
		json->at++;
	}
	json->at++;
	return true;
}

static struct node *json_value(struct json *json, unsigned int level)
{
	const char first = look(json);

	if (json->values % NODES == 0)
		json->nodes = mem_array(&json->source->problems->mem, NODES, sizeof(*json->nodes));
	struct node *node = &json->nodes[json->values++ % NODES];
	node->file = json->source->file;
	node->line = json->line;
	node->column = (unsigned int)(json->at - json->line_begins) + 1;
	if (json->values > YAML_VALUES || level > YAML_LEVELS)
		return NULL;
	const bool read = first == '"'                   ? json_string(json, node)
			  : first == '{' || first == '[' ? json_members(json, node, level + 1)
							 : json_word(json, node);
	return read ? node : NULL;
}

struct node *source_read_json(const struct source *source)
{
	if (source->length == 0 || source->bytes[0] != '{')
		return NULL;
	char *text = mem_copy(&source->problems->mem, source->bytes, source->length);
	struct json json = {.source = source, .at = text, .line_begins = text, .line = 1};
	struct node *root = json_value(&json, 1);

	while (root && *json.at == '\n')
		json.at++;
	return json.at == text + source->length ? root : NULL;
}
