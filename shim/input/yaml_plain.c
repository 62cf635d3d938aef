#include <string.h>

#include "input/yaml_source.h"

#define KEY_MAX_BYTES 1000 /* libyaml takes 1024 characters, with the quotes */
#define NODES 8            /* allocated together */

/*
 * Texts stay in the copy of the source: each moves to OUT, with a NUL behind it, over what is read already. There is a byte
 * in front of the first for its NUL, and between two that are kept stands at least one that is not: a blank, a quote, ':' or
 * ','. So OUT stays behind AT.
 */
struct plain {
	const struct source *source;
	char *out, *at, *line_begins; /* in the copy, which ends with a NUL */
	unsigned int line;
	bool tabs; /* are blanks: libyaml refuses them in front of what is indented, which nothing in braces is */
	size_t values;
	struct node *nodes; /* the newest NODES of the values */
};

static struct node *plain_node(struct plain *plain, unsigned int level)
{
	if (plain->values % NODES == 0)
		plain->nodes = mem_array(&plain->source->problems->mem, NODES, sizeof(*plain->nodes));
	struct node *node = &plain->nodes[plain->values++ % NODES];
	node->file = plain->source->file;
	node->line = plain->line;
	node->column = (unsigned int)(plain->at - plain->line_begins) + 1;
	return plain->values > YAML_VALUES || level > YAML_LEVELS ? NULL : node;
}

/* What can stand anywhere in a word, and means nothing to YAML. */
static bool is_harmless(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == '_' || byte == '.' || byte == '/' || byte == '$';
}

static bool is_printed(char byte)
{
	return byte >= ' ' && byte <= '~';
}

/* The next LENGTH bytes are the text of NODE. */
static void take_text(struct plain *plain, struct node *node, size_t length)
{
	node->text = memmove(plain->out, plain->at, length);
	plain->out[length] = '\0';
	plain->out += length + 1;
	plain->at += length;
}

/* In quotes, within its line. */
static bool read_quoted(struct plain *plain, struct node *node)
{
	const char quote = *plain->at++;

	node->text = plain->out;
	node->quoted = true;
	while (is_printed(*plain->at) && *plain->at != quote) {
		if (quote == '"' && *plain->at == '\\' && *++plain->at != '"' && *plain->at != '\\')
			return false;
		*plain->out++ = *plain->at++;
	}
	if (*plain->at != quote)
		return false;
	plain->at++;
	*plain->out++ = '\0';
	return true;
}

/* Without quotes, within its line. FLOW: in brackets or braces, where a comma ends it. */
static bool read_word(struct plain *plain, struct node *node, bool flow)
{
	const char *at = plain->at;
	size_t length = 0;

	at += strspn(at, "-");
	if (!is_harmless(*at) || (at[0] == '.' && at[1] == '.'))
		return false;
	for (; is_printed(*at) && !(*at == '#' && at[-1] == ' ') && !(flow && strchr(",[]{}?", *at)); at++) {
		if (*at == ':' && (flow ? !is_harmless(at[1]) : at[1] <= ' '))
			return false;
		if (*at != ' ')
			length = (size_t)(at - plain->at) + 1;
	}
	take_text(plain, node, length);
	return true;
}

/* The next byte that is no blank, in brackets or braces. */
static char look(struct plain *plain)
{
	for (;; plain->at++) {
		if (*plain->at == '\n') {
			plain->line++;
			plain->line_begins = plain->at + 1;
		} else if (*plain->at != ' ' && (*plain->at != '\t' || !plain->tabs)) {
			return *plain->at;
		}
	}
}

/* The length of the key without quotes that stands here, or 0. */
static size_t key_length(const struct plain *plain)
{
	const char *at = plain->at;

	while (is_harmless(*at) || (at > plain->at && *at == '-'))
		at++;
	return at[0] == ':' && (at[1] == ' ' || at[1] == '\n') ? (size_t)(at - plain->at) : 0;
}

/* YAML wants a key and its ':' in one line. */
static const struct node *read_key(struct plain *plain, const struct node *map, unsigned int level)
{
	const char *begin = plain->at;
	const size_t length = key_length(plain);
	struct node *key = plain_node(plain, level);

	if (!key || (length == 0 && (*begin != '"' || !read_quoted(plain, key))))
		return NULL;
	if (length > 0)
		take_text(plain, key, length);
	if (*plain->at != ':' || plain->at - begin > KEY_MAX_BYTES || yaml_get(map, key->text))
		return NULL;
	plain->at++;
	return key;
}

/* VALUE, with its KEY in a map, becomes the last of TO. Returns where the next one goes. */
static struct node **append_value(struct node *to, struct node **end, struct node *value, const struct node *key)
{
	value->key = key;
	*end = value;
	to->count++;
	return &value->next;
}

static struct node *plain_value(struct plain *plain, unsigned int level, bool flow);

static bool read_members(struct plain *plain, struct node *node, unsigned int level)
{
	const char close = *plain->at++ == '{' ? '}' : ']';
	struct node **end = &node->first;

	node->kind = close == '}' ? NODE_MAP : NODE_LIST;
	while (look(plain) != close) {
		const struct node *key = close == '}' ? read_key(plain, node, level) : NULL;
		struct node *value = key || close == ']' ? plain_value(plain, level, true) : NULL;
		if (!value)
			return false;
		end = append_value(node, end, value, key);
		if (look(plain) == ',')
			plain->at++;
		else if (*plain->at != close)
			return false;
	}
	plain->at++;
	return true;
}

static struct node *plain_value(struct plain *plain, unsigned int level, bool flow)
{
	const char first = flow ? look(plain) : *plain->at;
	struct node *node = plain_node(plain, level);

	if (!node)
		return NULL;
	const bool read = first == '"' || first == '\''  ? read_quoted(plain, node)
			  : first == '{' || first == '[' ? read_members(plain, node, level + 1)
							 : read_word(plain, node, flow);
	return read ? node : NULL;
}

/*
 * Goes to what the next line says that is not only a comment, or to the end. False: this line does not end here. A bracket
 * may have closed at its beginning, so that what follows could pass for the next item.
 */
static bool next_line(struct plain *plain)
{
	bool next = plain->at == plain->line_begins;

	for (;; next = true) {
		const char *begin = plain->at;
		while (*plain->at == ' ')
			plain->at++;
		if (*plain->at == '#' && (plain->at > begin || begin == plain->line_begins))
			while (is_printed(*plain->at))
				plain->at++;
		if (*plain->at != '\n')
			return next || !*plain->at;
		plain->line++;
		plain->line_begins = ++plain->at;
	}
}

static unsigned int indent(const struct plain *plain)
{
	return (unsigned int)(plain->at - plain->line_begins);
}

static bool begins_item(const struct plain *plain)
{
	return plain->at[0] == '-' && plain->at[1] == ' ';
}

/* A value to the end of its line. */
static struct node *read_rest(struct plain *plain, unsigned int level)
{
	struct node *node = plain_value(plain, level, false);

	return node && next_line(plain) ? node : NULL;
}

static struct node *read_lines(struct plain *plain, unsigned int level);

static struct node *read_items(struct plain *plain, unsigned int level)
{
	const unsigned int begin = indent(plain);
	struct node *list = plain_node(plain, level), *item;

	if (!list)
		return NULL;
	list->kind = NODE_LIST;
	for (struct node **end = &list->first; begins_item(plain) && indent(plain) == begin;) {
		while (*++plain->at == ' ')
			;
		item = key_length(plain) > 0 ? read_lines(plain, level + 1) : read_rest(plain, level + 1);
		if (!item)
			return NULL;
		end = append_value(list, end, item, NULL);
	}
	return list;
}

/* Behind the key of a map whose keys are indented by BEGIN. */
static struct node *read_behind(struct plain *plain, unsigned int begin, unsigned int level)
{
	const size_t blanks = strspn(plain->at, " ");

	if (plain->at[blanks] != '\n' && plain->at[blanks] != '#') {
		plain->at += blanks;
		return read_rest(plain, level);
	}
	if (!next_line(plain))
		return NULL;
	if (begins_item(plain) && indent(plain) >= begin)
		return read_items(plain, level);
	return indent(plain) > begin ? read_lines(plain, level) : NULL;
}

/* A map with a key in each line. */
static struct node *read_lines(struct plain *plain, unsigned int level)
{
	const unsigned int begin = indent(plain);
	struct node *map = plain_node(plain, level), *value;

	if (!map)
		return NULL;
	map->kind = NODE_MAP;
	struct node **end = &map->first;
	do {
		const struct node *key = key_length(plain) > 0 ? read_key(plain, map, level + 1) : NULL;
		value = key ? read_behind(plain, begin, level + 1) : NULL;
		if (!value)
			return NULL;
		end = append_value(map, end, value, key);
	} while (*plain->at && indent(plain) == begin);
	return map;
}

struct node *source_read_plain(const struct source *source)
{
	char *text = mem_alloc(&source->problems->mem, source->length + 2);
	struct plain plain = {.source = source, .out = text, .at = text + 1, .line_begins = text + 1, .line = 1};

	if (source->length > 0)
		memcpy(plain.at, source->bytes, source->length);
	(void)next_line(&plain); /* from the beginning of one */
	plain.tabs = *plain.at == '{';
	struct node *root = plain.tabs ? read_rest(&plain, 1) : read_lines(&plain, 1);
	return root && plain.at == text + 1 + source->length ? root : NULL;
}
