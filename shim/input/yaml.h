/*
 * From bytes to a checked tree with line and column. Does not know any keys; works on a buffer only. Also reads JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

#define YAML_LIMIT (1024 * 1024) /* bytes of one document; a larger one is refused */

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

/*
 * One value. It belongs to the memory of the problems that yaml_read() was given. Scalars are text only: `yes`,
 * `0755` and `null` are the characters as written.
 */
struct node {
	enum node_kind kind;
	bool quoted;               /* scalar: written in quotes or as a block */
	const char *file;          /* for messages */
	unsigned int line, column; /* where it starts, from 1 */
	const char *text;          /* scalar: its text, without NUL bytes; otherwise NULL */
	size_t count;              /* list and map: number of entries */
	struct node *first;        /* list and map: the values, in the order written */
	struct node *next;         /* the next value of the same list or map */
	const struct node *key;    /* in a map: the key of this value (a scalar), otherwise NULL */
};

/*
 * Reads one document. Refused, each with line and column in PROBLEMS: text that is not YAML 1.1 or UTF-8, more than
 * YAML_LIMIT bytes, NUL bytes, anchors, aliases, tags, directives, a second document, keys that are not scalars,
 * duplicate keys, more than 64 levels or 20000 values. Returns NULL exactly when it added a problem. An empty
 * document is an empty map.
 */
[[nodiscard]] struct node *yaml_read(struct problems *problems, const char *file, const char *bytes, size_t length);

/*
 * The same, but returns NULL only if it could not read to the end. A tree with problems is for finding further
 * problems, and must not be acted on: of duplicate keys it has the first, an alias is its text.
 */
[[nodiscard]] struct node *yaml_read_flawed(struct problems *problems, const char *file, const char *bytes,
					    size_t length);

/* The value of KEY in MAP, or NULL. */
struct node *yaml_get(const struct node *map, const char *key);

/*
 * Iterates over the items of a list, or over a single value in its place: the item after BEFORE, or the first one
 * (NULL). NULL: there are no more.
 */
const struct node *yaml_item(const struct node *list, const struct node *before);

/*
 * problem_add() at the place of NODE; returns false. Where its value comes from the environment and was expanded, what
 * it is made of is shown.
 */
bool yaml_problem(struct problems *problems, const struct node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
