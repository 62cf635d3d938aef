#include <string.h>

#include "input/environ.h"

#define NESTING 16 /* of defaults: expand_reference() and expand_word() call each other once per level */
#define FORMS "only ${NAME}, ${NAME:-default}, ${NAME:?message} and ${NAME:+word} exist; $${ is a literal ${"

struct expansion {
	const struct environment *env;
	struct problems *problems;
	const struct node *node;
	const char *at;      /* the rest that is still to be read */
	char *out;           /* the output so far, or NULL */
	size_t length, room; /* of the output */
	bool failed;
};

static void append_bytes(struct expansion *e, const char *bytes, size_t length)
{
	if (length == 0)
		return; /* OUT may still be NULL */
	if (length > e->room - e->length) {
		size_t room = (e->length + length) * 2 + 64;
		char *out = mem_alloc(&e->problems->mem, room);
		if (e->length)
			memcpy(out, e->out, e->length);
		e->out = out;
		e->room = room;
	}
	memcpy(e->out + e->length, bytes, length);
	e->length += length;
}

static bool is_escape(const char *text)
{
	return strncmp(text, "$${", 3) == 0;
}

static bool is_reference(const char *text)
{
	return strncmp(text, "${", 2) == 0;
}

static void expand_reference(struct expansion *e, bool used, unsigned int level);

/*
 * Reads up to the end of the text, or (in a reference, LEVEL above 0) up to its '}', which stays unread. Text that is
 * not USED is only checked.
 */
static void expand_word(struct expansion *e, bool used, unsigned int level)
{
	while (!e->failed && *e->at && (level == 0 || *e->at != '}')) {
		if (is_escape(e->at)) {
			if (used)
				append_bytes(e, "${", 2);
			e->at += 3;
		} else if (is_reference(e->at)) {
			expand_reference(e, used, level + 1);
		} else {
			if (used)
				append_bytes(e, e->at, 1);
			e->at++;
		}
	}
}

/* Adds a problem and stops reading. */
static void fail(struct expansion *e, const char *text)
{
	problem_add(e->problems, e->node->file, e->node->line, e->node->column, "%s", text);
	e->failed = true;
}

/* TEXT starts with an invalid reference: it does not end, or has none of the forms. */
static void refuse_reference(struct expansion *e, const char *text, bool open)
{
	size_t length = strcspn(text, "}");

	if (open || !text[length])
		fail(e, mem_format(&e->problems->mem, "\"%.60s\" has no closing }: write it, or $${ for a literal ${",
				   text));
	else
		fail(e, mem_format(&e->problems->mem, "\"%.*s}\": " FORMS, length < 60 ? (int)length : 60, text));
}

/* ${NAME:?MESSAGE}, or ${NAME} without a message: NAME must have a value. */
static void refuse_unset(struct expansion *e, const char *name, const char *message, size_t length)
{
	const char *state = environ_get(e->env, name) ? "empty" : "not set";

	e->problems->pending += !environ_get(e->env, name);
	fail(e, length ? mem_format(&e->problems->mem, "the environment variable %s is %s: %.*s", name, state,
				    (int)length, message)
		       : mem_format(&e->problems->mem,
				    "the environment variable %s is %s: set it, or write ${%s:-default}", name, state,
				    name));
}

/* Reads one reference, from its ${ to its }. */
static void expand_reference(struct expansion *e, bool used, unsigned int level)
{
	const char *begin = e->at;
	size_t length = environ_name_at(begin + 2);
	const char *form = begin + 2 + length;
	bool plain = *form == '}';

	if (length == 0 || (!plain && (form[0] != ':' || !form[1] || !strchr("-?+", form[1])))) {
		refuse_reference(e, begin, false);
		return;
	}
	if (level > NESTING) {
		fail(e, "more than 16 levels of ${...} in ${...}: use fewer");
		return;
	}
	const char *name = mem_copy(&e->problems->mem, begin + 2, length);
	const char *value = used ? environ_get(e->env, name) : NULL;
	bool has = value && (*value || plain);
	const char *word = plain ? form : form + 2;

	e->at = word;
	expand_word(e, used && ((form[1] == '-' && !has) || (form[1] == '+' && has)), level);
	if (e->failed)
		return;
	if (!*e->at) {
		refuse_reference(e, begin, true);
		return;
	}
	e->at++;
	if (used && !has && (plain || form[1] == '?'))
		refuse_unset(e, name, word, (size_t)(e->at - 1 - word));
	else if (used && has && (plain || form[1] != '+'))
		append_bytes(e, value, strlen(value));
}

const char *environ_expand(const struct environment *env, struct problems *problems, const struct node *node)
{
	struct expansion e = {.env = env, .problems = problems, .node = node, .at = node->text};

	if (!strstr(node->text, "${"))
		return node->text;
	expand_word(&e, env, 0);
	append_bytes(&e, "", 1);
	return e.failed ? NULL : e.out;
}

bool environ_has_reference(const char *text)
{
	for (; *text; text++) {
		if (is_escape(text))
			text += 2;
		else if (is_reference(text))
			return true;
	}
	return false;
}
