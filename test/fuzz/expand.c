/*
 * A start environment, a line "--", an env_file, a line "--", and a text with ${…}. What must hold:
 *
 * - an entry is taken over unless it is not NAME=VALUE or its name is there already; of an env_file the last one counts;
 * - the expansion is what the reader below makes of it, which shares nothing with shim/input/environ_expand.c;
 * - it is refused exactly with a problem; a text without a reference cannot fail.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "input/environ.h"

#define NESTING 16

/* A parsed text: literal bytes, or a reference with a word of its own. */
struct piece {
	struct piece *next;
	char form; /* 'l' literal, 'p' plain, '-', '?', '+' */
	const char *text;
	struct piece *word;
};

struct parser {
	struct mem *mem;
	const char *at;
	bool bad;
};

static struct piece *parse(struct parser *parser, unsigned int depth);

static bool name_byte(char c, bool first)
{
	return c == '_' || (c > 0 && isalpha((unsigned char)c)) || (!first && c > 0 && isdigit((unsigned char)c));
}

static void parse_reference(struct parser *parser, struct piece *piece, unsigned int depth)
{
	const char *name = parser->at + 2, *end = name;

	while (name_byte(*end, end == name))
		end++;
	piece->text = mem_copy(parser->mem, name, (size_t)(end - name));
	parser->bad = parser->bad || end == name || depth > NESTING;
	if (*end == '}') {
		piece->form = 'p';
		parser->at = end + 1;
		return;
	}
	parser->bad = parser->bad || end[0] != ':' || !(end[1] == '-' || end[1] == '?' || end[1] == '+');
	if (parser->bad)
		return;
	piece->form = end[1];
	parser->at = end + 2;
	piece->word = parse(parser, depth);
	parser->bad = parser->bad || *parser->at != '}';
	parser->at += !parser->bad;
}

static struct piece *parse(struct parser *parser, unsigned int depth)
{
	struct piece *first = NULL, **end = &first;

	while (!parser->bad && *parser->at && !(depth && *parser->at == '}')) {
		struct piece *piece = *end = mem_alloc(parser->mem, sizeof(*piece));
		end = &piece->next;
		piece->form = 'l';
		if (strncmp(parser->at, "$${", 3) == 0) {
			piece->text = "${";
			parser->at += 3;
		} else if (strncmp(parser->at, "${", 2) == 0) {
			parse_reference(parser, piece, depth + 1);
		} else {
			piece->text = mem_copy(parser->mem, parser->at++, 1);
		}
	}
	return first;
}

static const char *value_of(char **vars, const char *name)
{
	const char *value = NULL;

	for (; *vars; vars++)
		if (strncmp(*vars, name, strlen(name)) == 0 && (*vars)[strlen(name)] == '=')
			value = *vars + strlen(name) + 1;
	return value;
}

/* Adds what PIECES mean to the list of texts OUT; false: one that must have a value has none. */
static bool mean(struct mem *mem, struct list *out, const struct piece *pieces, char **vars)
{
	bool good = true;

	for (; pieces; pieces = pieces->next) {
		const char *value = pieces->form == 'l' ? pieces->text : value_of(vars, pieces->text);
		const bool full = value && *value;
		if (pieces->form == 'l' || (pieces->form == 'p' && value))
			list_add(mem, out, value);
		else if (pieces->form == 'p' || (pieces->form == '?' && !full))
			good = false;
		else if (pieces->form == '+' ? full : !full)
			good = mean(mem, out, pieces->word, vars) && good;
		else if (pieces->form != '+')
			list_add(mem, out, value);
	}
	return good;
}

static void check_expansion(const struct environment *env, char **vars, const char *text)
{
	static struct problems problems;
	struct mem *mem = &problems.mem;
	const struct node node = {.kind = NODE_SCALAR, .file = "text", .line = 1, .column = 1, .text = text};
	struct parser parser = {.mem = mem, .at = text};
	struct list out = {0};
	const char *is = environ_expand(env, &problems, &node);
	const struct piece *pieces = parse(&parser, 0);
	const bool good = !parser.bad && mean(mem, &out, pieces, vars);
	size_t at = 0;

	FUZZ_HOLDS((is == NULL) == (problems.count > 0) && problems.count <= 1);
	FUZZ_HOLDS(problems.pending <= problems.count);
	FUZZ_HOLDS((is != NULL) == good);
	for (size_t i = 0; is && i < out.count; i++) {
		FUZZ_HOLDS(strncmp(is + at, out.items[i], strlen(out.items[i])) == 0);
		at += strlen(out.items[i]);
	}
	FUZZ_HOLDS(!is || !is[at]);
	FUZZ_HOLDS(is || environ_has_reference(text));
	FUZZ_HOLDS(environ_has_reference(text) || strstr(text, "$${") || strcmp(is, text) == 0);
	mem_release(mem);
	memset(&problems, 0, sizeof(problems));
}

static bool has(const struct environment *env, const char *entry)
{
	for (size_t i = 0; i < env->vars.count; i++)
		if (strcmp(env->vars.items[i], entry) == 0)
			return true;
	return false;
}

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strcspn(b, "=") == length && memcmp(a, b, length) == 0;
}

/* Of the entries of the start every good one is there once; the second of a name and what is none is a problem. */
static void check_start(const struct environment *env, const struct problems *problems, char **envp)
{
	size_t wrong = 0, right = 0;

	for (size_t i = 0; envp[i]; i++) {
		bool bad = !strchr(envp[i], '=') || envp[i][0] == '=';
		for (size_t k = 0; k < i && !bad; k++)
			bad = strchr(envp[k], '=') && same_name(envp[k], envp[i]);
		wrong += bad;
		right += !bad;
		FUZZ_HOLDS(bad || has(env, envp[i]));
	}
	FUZZ_HOLDS(wrong == problems->count && right == env->vars.count);
}

static void check_names(const struct environment *env)
{
	for (size_t i = 0; i < env->vars.count; i++)
		for (size_t k = 0; k < i; k++)
			FUZZ_HOLDS(!same_name(env->vars.items[i], env->vars.items[k]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct problems problems;
	struct environment env = {.mem = &problems.mem};
	const uint8_t *at = bytes, *end = bytes + length;

	if (length > 4096)
		return 0;
	char **envp = fuzz_lines(env.mem, fuzz_part(env.mem, &at, end, NULL));
	const char *file = fuzz_part(env.mem, &at, end, NULL);
	const char *text = mem_copy(env.mem, (const char *)at, (size_t)(end - at));

	environ_start(&env, &problems, envp);
	check_start(&env, &problems, envp);
	environ_load(&env, &problems, "env_file", file);
	check_names(&env);
	check_expansion(&env, env.vars.items ? env.vars.items : envp, text);
	/* A pattern: what is left does not match, what matched is gone. */
	const size_t before = env.vars.count;
	environ_unset(&env, text);
	FUZZ_HOLDS(env.vars.count <= before);
	FUZZ_HOLDS(strpbrk(text, "*?[\\=") || !environ_get(&env, text));
	mem_release(&problems.mem);
	memset(&problems, 0, sizeof(problems));
	return 0;
}
