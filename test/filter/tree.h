/* The two readers of YAML, capshim's own and libyaml, side by side. */
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

/*
 * Compares all texts of so many PIECES, which are the signs that mean something to YAML, or with LINES whole lines, and
 * prints how many. False: one of them differs.
 */
#define TREE_PIECES 8 /* at most */
#define TREE_PIECE 16 /* bytes, at most */
bool tree_compare_all(bool lines, unsigned int pieces);
