#include "input/yaml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/diag.h"
#include "input/yaml_source.h"

struct reader {
	struct source source;
	yaml_parser_t parser;
	size_t values;
	bool stopped; /* there is nothing more to read; the problems say why */
};

/* The next event, or false if there is nothing more to read. The caller deletes the event. */
static bool next_event(struct reader *reader, yaml_event_t *event)
{
	if (reader->stopped)
		return false;
	reader->stopped = !yaml_parser_parse(&reader->parser, event);
	if (reader->stopped)
		source_explain(&reader->source, &reader->parser);
	return !reader->stopped;
}

static struct node *read_node(struct reader *reader, const yaml_event_t *event, unsigned int level);

static void read_list(struct reader *reader, struct node *list, unsigned int level)
{
	struct node **end = &list->first;
	yaml_event_t event;

	while (next_event(reader, &event)) {
		bool ends = event.type == YAML_SEQUENCE_END_EVENT;
		if (!ends) {
			*end = read_node(reader, &event, level);
			end = &(*end)->next;
			list->count++;
		}
		yaml_event_delete(&event);
		if (ends)
			return;
	}
}

/* May KEY stand in MAP? Otherwise adds a problem. */
static bool check_key(struct reader *reader, const struct node *map, const struct node *key)
{
	if (key->kind != NODE_SCALAR)
		return yaml_problem(reader->source.problems, key, "a key cannot be a list or a mapping " HINT_TEMPLATE);
	if (!key->quoted && strcmp(key->text, "<<") == 0)
		return yaml_problem(reader->source.problems, key,
				    "merge keys (<<) are not accepted: write the keys out");
	const struct node *first = yaml_get(map, key->text);
	if (first)
		yaml_problem(reader->source.problems, key,
			     "the key \"%s\" is there twice: the first is in line %u, keep one", key->text,
			     first->key->line);
	return !first;
}

/* The value of KEY is the next event. */
static struct node *read_entry(struct reader *reader, const struct node *key, unsigned int level)
{
	yaml_event_t event;

	if (!next_event(reader, &event))
		return NULL;
	struct node *value = read_node(reader, &event, level);
	value->key = key;
	yaml_event_delete(&event);
	return value;
}

static void read_map(struct reader *reader, struct node *map, unsigned int level)
{
	struct node **end = &map->first;
	yaml_event_t event;

	while (next_event(reader, &event)) {
		if (event.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&event);
			return;
		}
		struct node *key = read_node(reader, &event, level);
		yaml_event_delete(&event);

		/* A refused entry is read to its end, to find other problems in it, and left out. */
		bool accepted = !reader->stopped && check_key(reader, map, key);
		struct node *value = read_entry(reader, key, level);
		if (accepted && value) {
			*end = value;
			end = &value->next;
			map->count++;
		}
	}
}

static void read_scalar(struct reader *reader, struct node *node, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;

	/* The escape "\0": raw NUL bytes never get here. */
	if (memchr(text, '\0', length))
		yaml_problem(reader->source.problems, node,
			     "a NUL byte (\\0) in a value: leave it out, no such value can be passed on");
	node->text = memcpy(node + 1, text, length);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

/* Refuses an anchor or a tag in front of the value: they change what it means or how it is used. */
static void refuse_properties(struct reader *reader, const yaml_event_t *event)
{
	bool found = false;

	if (event->type == YAML_SCALAR_EVENT)
		found = event->data.scalar.anchor || event->data.scalar.tag;
	else if (event->type == YAML_SEQUENCE_START_EVENT)
		found = event->data.sequence_start.anchor || event->data.sequence_start.tag;
	else if (event->type == YAML_MAPPING_START_EVENT)
		found = event->data.mapping_start.anchor || event->data.mapping_start.tag;
	if (found)
		source_refuse_property(&reader->source, event->start_mark);
}

/* Is there room for one more value at LEVEL? Otherwise reading stops. */
static bool check_size(struct reader *reader, yaml_mark_t mark, unsigned int level)
{
	if (++reader->values <= YAML_VALUES && level <= YAML_LEVELS)
		return true;
	source_problem(&reader->source, mark,
		       level > YAML_LEVELS ? "more than 64 levels of nesting: use fewer"
					   : "more than 20000 values in one file: use fewer");
	reader->stopped = true;
	return false;
}

/*
 * Makes a node from EVENT and the events that belong to it. Even a refused value becomes a node, so that reading goes
 * on.
 */
static struct node *read_node(struct reader *reader, const yaml_event_t *event, unsigned int level)
{
	const size_t room = event->type == YAML_SCALAR_EVENT ? event->data.scalar.length + 1 : 0; /* for its text */
	struct node *node = mem_alloc(&reader->source.problems->mem, sizeof(*node) + room);

	node->file = reader->source.file;
	node->line = (unsigned int)event->start_mark.line + 1;
	node->column = (unsigned int)event->start_mark.column + 1;
	if (!check_size(reader, event->start_mark, level))
		return node;
	refuse_properties(reader, event);
	switch (event->type) {
	case YAML_SEQUENCE_START_EVENT:
		node->kind = NODE_LIST;
		read_list(reader, node, level + 1);
		break;
	case YAML_MAPPING_START_EVENT:
		node->kind = NODE_MAP;
		read_map(reader, node, level + 1);
		break;
	case YAML_SCALAR_EVENT:
		read_scalar(reader, node, event);
		break;
	default: /* an alias: no other event can stand where a value can */
		node->text = source_refuse_alias(&reader->source, event->start_mark);
		break;
	}
	return node;
}

/* Reads all events. NULL: the document is empty, or it could not be read to its end. */
static struct node *read_document(struct reader *reader)
{
	struct node *root = NULL;
	yaml_event_t event;
	bool ends = false;

	while (!ends && next_event(reader, &event)) {
		switch (event.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_STREAM_END_EVENT:
			ends = true;
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (root) {
				source_problem(&reader->source, event.start_mark,
					       "a second document begins here: delete it, a file holds one");
				ends = true;
			} else if (event.data.document_start.version_directive ||
				   event.data.document_start.tag_directives.start !=
					   event.data.document_start.tag_directives.end) {
				source_problem(&reader->source, event.start_mark, HINT_DIRECTIVE);
			}
			break;
		default:
			root = read_node(reader, &event, 1);
			break;
		}
		yaml_event_delete(&event);
	}
	return reader->stopped ? NULL : root;
}

struct node *yaml_read_flawed(struct problems *problems, const char *file, const char *bytes, size_t length)
{
	/* libyaml takes a byte order mark for a character that indents the first line. */
	size_t mark = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct reader reader = {.source = {problems, file, bytes + mark, length - mark}};

	if (length > YAML_LIMIT) {
		problem_add(problems, file, 0, 0, "larger than 1 MiB");
		return NULL;
	}
	struct node *root = source_read_plain(&reader.source);
	if (root)
		return root;
	if (!yaml_parser_initialize(&reader.parser))
		diag_die(DIAG_SYSTEM, "cannot get memory for the configuration");
	/* Otherwise libyaml would read a file that starts with FF FE as UTF-16. */
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.source.bytes, reader.source.length);
	root = read_document(&reader);
	yaml_parser_delete(&reader.parser);
	if (reader.stopped)
		return NULL;

	/* Nothing at all, or only "---". */
	if (!root || (root->kind == NODE_SCALAR && !root->quoted && !root->text[0])) {
		root = mem_alloc(&problems->mem, sizeof(*root));
		*root = (struct node){.kind = NODE_MAP, .file = file, .line = 1, .column = 1};
	}
	return root;
}

struct node *yaml_read(struct problems *problems, const char *file, const char *bytes, size_t length)
{
	size_t before = problems->count;
	struct node *root = yaml_read_flawed(problems, file, bytes, length);

	return problems->count == before ? root : NULL;
}

struct node *yaml_get(const struct node *map, const char *key)
{
	struct node *value = map->kind == NODE_MAP ? map->first : NULL;

	while (value && strcmp(value->key->text, key) != 0)
		value = value->next;
	return value;
}

const struct node *yaml_item(const struct node *list, const struct node *before)
{
	if (list->kind == NODE_LIST)
		return before ? before->next : list->first;
	return before ? NULL : list;
}

bool yaml_problem(struct problems *problems, const struct node *node, const char *format, ...)
{
	char text[DIAG_LINE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	const char *at = node->kind == NODE_SCALAR && node->text ? strstr(node->text, "${") : NULL;
	const bool from = at && (at == node->text || at[-1] != '$') && !strstr(text, "${");
	problem_add(problems, node->file, node->line, node->column, "%s%s%s%s", text, from ? " (from \"" : "",
		    from ? node->text : "", from ? "\")" : "");
	return false;
}
