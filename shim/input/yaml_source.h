/*
 * Inside of yaml.c, yaml_plain.c and yaml_hints.c: the text that is read, and what is said about it.
 */
#pragma once

#include <stddef.h>

#include <yaml.h>

#include "input/yaml.h"

#define YAML_LEVELS 64    /* of nesting: the readers call themselves once per level */
#define YAML_VALUES 20000 /* of one document: keys are compared with each other, so the time grows with the square */

#define HINT_DIRECTIVE "directives are not accepted: delete this line"
#define HINT_TEMPLATE "(is this a template whose {{ }} were not filled in?)"

/* BYTES need no NUL behind them. */
struct source {
	struct problems *problems;
	const char *file, *bytes;
	size_t length;
};

/* Adds a problem at MARK. */
void source_problem(const struct source *source, yaml_mark_t mark, const char *text);

/* Adds the problem that an alias, or an anchor or tag, stands at MARK. Returns the word, *name. */
const char *source_refuse_alias(const struct source *source, yaml_mark_t mark);
void source_refuse_property(const struct source *source, yaml_mark_t mark);

/* Turns the error at which PARSER stopped into a problem that says what to write. */
void source_explain(const struct source *source, const yaml_parser_t *parser);

/*
 * Reads most configs, and what programs write as JSON, in a fraction of the time: maps with a key in each line, items
 * of lists, brackets and braces; words and quoted texts within their line, in ASCII, that escape only the quote and the
 * backslash; comments. The tree is the one that libyaml makes of it. NULL: it is something else, or too large, or wrong,
 * and libyaml knows what.
 */
struct node *source_read_plain(const struct source *source);
