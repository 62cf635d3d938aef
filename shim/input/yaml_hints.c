#include <stdbool.h>
#include <string.h>

#include "base/diag.h"
#include "input/yaml_source.h"

#define WORD_MAX_BYTES 60

#define HINT_TAB "a tab cannot indent: use spaces"
#define HINT_QUOTE "the quote that begins here is not closed"

void source_problem(const struct source *source, yaml_mark_t mark, const char *text)
{
	problem_add(source->problems, source->file, (unsigned int)mark.line + 1, (unsigned int)mark.column + 1, "%s",
		    text);
}

/* The byte offset of MARK: libyaml counts characters. */
static size_t offset_of(const struct source *source, yaml_mark_t mark)
{
	size_t characters = 0;
	size_t at = 0;

	for (; at < source->length; at++) {
		bool begins = ((unsigned char)source->bytes[at] & 0xc0) != 0x80;
		if (begins && characters++ == mark.index)
			break;
	}
	return at;
}

/* The text at MARK in the source, up to a blank, a quote or the end of an item in [ ] or { }. */
static char *word_at(const struct source *source, yaml_mark_t mark)
{
	size_t from = offset_of(source, mark);
	size_t to = from;

	while (to < source->length && to - from < WORD_MAX_BYTES && !strchr(" \t\r\n,]}\"'", source->bytes[to]))
		to++;
	return mem_copy(&source->problems->mem, source->bytes + from, to - from);
}

/*
 * Users who write *.conf, &name or !pattern mean text, but YAML gives the first character a meaning. INSTEAD says
 * what to do if it was meant as YAML. Returns the word.
 */
static const char *refuse_word(const struct source *source, yaml_mark_t mark, const char *what, const char *instead)
{
	const char *word = word_at(source, mark);

	source_problem(source, mark,
		       mem_format(&source->problems->mem,
				  "%s is a YAML %s, which is not accepted: %s, or write \"%s\" if it is text", word,
				  what, instead, word));
	return word;
}

const char *source_refuse_alias(const struct source *source, yaml_mark_t mark)
{
	return refuse_word(source, mark, "alias", "write out what it stands for");
}

/* Refuses an anchor or a tag, by its first character. */
void source_refuse_property(const struct source *source, yaml_mark_t mark)
{
	refuse_word(source, mark, source->bytes[offset_of(source, mark)] == '&' ? "anchor" : "tag", "delete it");
}

/* Errors of libyaml with a usual cause, and what to write instead. */
static const struct slip {
	const char *problem; /* parser.problem or parser.context */
	bool at_context;     /* the cause is where the construct began, not where libyaml stopped */
	const char *text;
} slips[] = {
	{"could not find expected ':'", true,
	 "this line has no \"key:\" (or a value before it goes on by mistake): write one, or quote the value"},
	{"did not find expected key", false,
	 "wrong indentation: this line matches no key above it (or the value before it needs quotes)"},
	{"did not find expected '-' indicator", false,
	 "wrong indentation: this line belongs neither to the list item above it nor to a new one: align it with one of them"},
	{"did not find expected node content", false, "a value is missing here (or it needs quotes)"},
	{"did not find expected <document start>", false,
	 "this does not belong to what stands above it: check indentation and brackets"},
	{"block sequence entries are not allowed in this context", false,
	 "a list cannot begin in the line of its key: write it below, or in [ ]"},
	{"mapping keys are not allowed in this context", false, "a value that begins with '?' needs quotes"},
	{"found a tab character that violates indentation", false, HINT_TAB},
	{"found a tab character where an indentation space is expected", false, HINT_TAB},
	{"while scanning a block scalar", true,
	 "'|' and '>' begin a block of text in the lines below: a value that begins with one of them needs quotes"},
	{"found unexpected end of stream", true, HINT_QUOTE},
	{"found unexpected document indicator", true, HINT_QUOTE},
	{"found unknown escape character", false,
	 "unknown escape in double quotes: double the backslash, or use single quotes"},
	{"while scanning a directive", true,
	 "a line cannot begin with '%': directives are not accepted, text needs quotes"},
	{"while scanning a %YAML directive", true, HINT_DIRECTIVE},
	{"while scanning a %TAG directive", true, HINT_DIRECTIVE},
	{"found incompatible YAML document", false, HINT_DIRECTIVE},
	{"found invalid Unicode character escape code", false,
	 "no Unicode character has this number: write the character itself, in UTF-8"},
};

/*
 * What libyaml reports about anchors and tags that it cannot read. The last one is a tag such as !x!y whose !x! is
 * not defined.
 */
static const char *const properties[] = {"while scanning an anchor", "while scanning a tag", "while parsing a tag",
					 "while parsing a node"};

static bool is_text(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Why ':' cannot stand at AT, judged by the text before it in its line. */
static const char *explain_colon(const struct source *source, size_t at)
{
	char first = source->bytes[at];

	for (; at > 0 && source->bytes[at - 1] != '\n'; first = source->bytes[at])
		if (source->bytes[--at] == ':' && strchr(" \t", source->bytes[at + 1]))
			return "a value with ':' at its end or before a blank needs quotes, such as owner: \"app:\"";
	if (strchr(" \t", first))
		return "wrong indentation: this line is read as a part of the value above it: align it with the key";
	return "the line above this is no \"KEY: VALUE\" (a blank is needed behind its ':')";
}

/* Slips that the bytes around the place of the error reveal. NULL: none of them. */
static const char *slip_in_bytes(const struct source *source, const yaml_parser_t *parser)
{
	size_t at = offset_of(source, parser->problem_mark);
	char here = at < source->length ? source->bytes[at] : '\0';
	size_t end = at;

	if (here == '{' && at > 0 && source->bytes[at - 1] == '$')
		return "${...} inside [ ] or { } needs quotes: \"${NAME}\"";
	if (at > 1 && memcmp(source->bytes + at - 2, "{{", 2) == 0)
		return "a value is missing here " HINT_TEMPLATE;
	if (is_text(parser->problem, "found character that cannot start any token"))
		return here == '\t'
			       ? HINT_TAB
			       : mem_format(&source->problems->mem, "a value that begins with '%c' needs quotes", here);
	if (is_text(parser->problem, "did not find expected ',' or ']'") ||
	    is_text(parser->problem, "did not find expected ',' or '}'"))
		return mem_format(&source->problems->mem,
				  "a ',' is missing before this, or the '%c' for the one in line %zu: write it",
				  parser->problem[strlen(parser->problem) - 2], parser->context_mark.line + 1);
	if (is_text(parser->problem, "mapping values are not allowed in this context"))
		return explain_colon(source, at);
	while (end > 0 && strchr(" \t", source->bytes[end - 1]))
		end--;
	if (end > 0 && strchr("\"']}", source->bytes[end - 1]) &&
	    (is_text(parser->context, "while parsing a block mapping") ||
	     is_text(parser->context, "while parsing a block collection")))
		return mem_format(&source->problems->mem, "text follows the closing %c: put all of the value in quotes",
				  source->bytes[end - 1]);
	return NULL;
}

static void explain_bytes(const struct source *source, const yaml_parser_t *parser)
{
	yaml_mark_t mark = {0};

	for (size_t i = 0; i < parser->problem_offset && i < source->length; i++) {
		if (source->bytes[i] == '\n') {
			mark.line++;
			mark.column = 0;
		} else if (((unsigned char)source->bytes[i] & 0xc0) != 0x80) {
			mark.column++;
		}
	}
	if (parser->problem_offset < source->length && source->bytes[parser->problem_offset] == '\0')
		source_problem(source, mark, "a NUL byte: this is not a text file, write one");
	else if (is_text(parser->problem, "control characters are not allowed"))
		source_problem(source, mark,
			       "a control character: delete it, or write it as an escape such as \"\\x1b\"");
	else
		source_problem(source, mark, "not UTF-8: save the file in that encoding");
}

void source_explain(const struct source *source, const yaml_parser_t *parser)
{
	yaml_mark_t mark = parser->problem_mark;

	if (parser->error == YAML_MEMORY_ERROR)
		diag_die(DIAG_SYSTEM, "cannot get memory for the configuration");
	if (parser->error == YAML_READER_ERROR) {
		explain_bytes(source, parser);
		return;
	}
	if (is_text(parser->context, "while scanning an alias")) {
		source_refuse_alias(source, parser->context_mark);
		return;
	}
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
		if (is_text(parser->context, properties[i])) {
			source_refuse_property(source, parser->context_mark);
			return;
		}
	}
	const char *text = slip_in_bytes(source, parser);
	for (size_t i = 0; !text && i < sizeof(slips) / sizeof(slips[0]); i++) {
		if (is_text(parser->problem, slips[i].problem) || is_text(parser->context, slips[i].problem)) {
			text = slips[i].text;
			mark = slips[i].at_context ? parser->context_mark : mark;
		}
	}
	source_problem(source, mark, text ? text : mem_format(&source->problems->mem, "not YAML: %s", parser->problem));
}
