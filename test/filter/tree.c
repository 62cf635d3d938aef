#include "tree.h"

#include <string.h>

#include "input/yaml_source.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool tree_same(const struct node *a, const struct node *b, unsigned int lines, bool columns)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->line + lines != b->line || (columns && a->column != b->column) ||
	    a->quoted != b->quoted || a->count != b->count || !same_text(a->text, b->text) ||
	    !tree_same(a->key, b->key, lines, columns))
		return false;
	const struct node *x = a->first, *y = b->first;
	for (; x && y; x = x->next, y = y->next)
		if (!tree_same(x, y, lines, columns))
			return false;
	return x == y;
}

int tree_compare(const char *text, size_t length)
{
	struct problems problems = {0};
	const struct source source = {&problems, "text", text, length};
	const struct node *own = source_read_json(&source);
	int result = own ? 1 : 0;

	/* What does not begin with a brace is always left to libyaml. */
	char *moved = mem_alloc(&problems.mem, length + 1);
	moved[0] = '\n';
	memcpy(moved + 1, text, length);
	if (own && !tree_same(own, yaml_read(&problems, "text", moved, length + 1), 1, true))
		result = -1;
	mem_release(&problems.mem);
	return result;
}
