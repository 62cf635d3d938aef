#include "tree.h"

#include <stdio.h>
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

/* libyaml's tree. capshim's own reader never takes what begins with the mark of a document, a line of its own. */
static const struct node *read_marked(struct problems *problems, const char *text, size_t length)
{
	static const char mark[] = "---\n";
	char *marked = mem_alloc(&problems->mem, sizeof(mark) + length);

	memcpy(marked, mark, sizeof(mark) - 1);
	memcpy(marked + sizeof(mark) - 1, text, length);
	return yaml_read(problems, "text", marked, sizeof(mark) - 1 + length);
}

int tree_compare(const char *text, size_t length)
{
	struct problems problems = {0};
	const struct source source = {&problems, "text", text, length};
	/* With the mark it must not be too large. */
	const struct node *own = length < YAML_LIMIT - 4 ? source_read_plain(&source) : NULL;
	const bool same = !own || tree_same(own, read_marked(&problems, text, length), 1, true);

	mem_release(&problems.mem);
	return !same ? -1 : own ? 1 : 0;
}

/* A key has a name of its own wherever it stands, or most texts would be refused for having one twice. */
#define KEY '@'

static const char *const signs[] = {"a", "@: ", "\n", " ", "  ", "- ", "-",  ":", ": ", "#", " #", "[",
				    "]", "{",   "}",  ",", "'",  "\"", "\\", ".", "?",  "|", "k",  "\"@\":"};
static const char *const text_lines[] = {"@: b\n",     "@:\n",     "@: # c\n",   "- b\n",      "- @: b\n",
					 "- @:\n",     " @: b\n",  "  @: b\n",   "  @:\n",     "  - b\n",
					 "  - @: b\n", "  - @:\n", "    - b\n",  "    @: b\n", "      @:\n",
					 "  b\n",      "#\n",      "  # c\n",    "\n",         " \n",
					 "@: [b,\n",   "  ]\n",    "- {@: b,\n", "}\n",        "  - @: {y: b,\n",
					 "} - @: b\n", "} @: b\n"};

bool tree_compare_all(bool lines, unsigned int pieces)
{
	const char *const *piece = lines ? text_lines : signs;
	const size_t kinds = lines ? sizeof(text_lines) / sizeof(*text_lines) : sizeof(signs) / sizeof(*signs);
	unsigned int at[TREE_PIECES] = {0}, i;
	size_t count = 0, taken = 0, wrong = 0;

	do {
		char text[TREE_PIECES * TREE_PIECE + 1] = "";
		char *end = text;
		for (i = 0; i < pieces; i++) {
			char *begin = end;
			end = stpcpy(end, piece[at[i]]);
			char *key = strchr(begin, KEY);
			if (key)
				*key = (char)('A' + i);
		}
		const int result = tree_compare(text, (size_t)(end - text));
		count++;
		taken += result > 0;
		wrong += result < 0;
		if (result < 0)
			printf("another tree: %s\n", text);
		for (i = 0; i < pieces && ++at[i] == kinds; i++)
			at[i] = 0;
	} while (i < pieces);
	printf("%zu texts, %zu taken, %zu wrong\n", count, taken, wrong);
	return wrong == 0;
}
