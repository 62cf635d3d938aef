/* The two readers of JSON, capshim's own and libyaml, side by side. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "input/yaml.h"

/* Are both the same values, B's LINES further down, and with COLUMNS in the same ones? */
bool tree_same(const struct node *a, const struct node *b, unsigned int lines, bool columns);

/*
 * 1: capshim's own reader takes TEXT, of LENGTH bytes, and makes the tree of it that libyaml makes. 0: it leaves it to libyaml.
 * -1: it makes another tree, or libyaml refuses the text.
 */
int tree_compare(const char *text, size_t length);
