#include "tree.h"

#include <string.h>

#include "input/yaml_source.h"

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* B stands one line below A. */
static bool same(const struct node *a, const struct node *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind || a->line + 1 != b->line || a->column != b->column || a->quoted != b->quoted ||
	    a->count != b->count || !same_text(a->file, b->file) || !same_text(a->text, b->text) ||
	    !same(a->key, b->key))
		return false;
	const struct node *x = a->first, *y = b->first;
	for (; x && y; x = x->next, y = y->next)
		if (!same(x, y))
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
	if (own && !same(own, yaml_read(&problems, "text", moved, length + 1)))
		result = -1;
	mem_release(&problems.mem);
	return result;
}
