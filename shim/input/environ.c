#include "input/environ.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/glob.h"

/* The length of the name in VAR (NAME=VALUE). */
static size_t name_length(const char *var)
{
	return strcspn(var, "=");
}

/* Where the variable stands whose name is the first LENGTH bytes of NAME; the count: nowhere. */
static size_t find_variable(const struct environment *env, const char *name, size_t length)
{
	size_t at = 0;

	while (at < env->vars.count &&
	       (strncmp(env->vars.items[at], name, length) != 0 || env->vars.items[at][length] != '='))
		at++;
	return at;
}

/*
 * The place for VAR's name in the open-addressed TABLE of ROOM places (a power of two): a free one, or that of a
 * variable of the same name. A pod in a large namespace starts with thousands of variables (its service links):
 * comparing each with each would take 100 ms.
 */
static const char **table_place(const char **table, size_t room, const char *var, size_t length)
{
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)var[i]) * 16777619;
	size_t at = hash & (room - 1);
	while (table[at] && strncmp(table[at], var, length + 1) != 0)
		at = (at + 1) & (room - 1);
	return &table[at];
}

void environ_start(struct environment *env, struct problems *problems, char **envp)
{
	static const char where[] = "environment of the container";
	size_t count = 0, room = 2;

	while (envp[count])
		if (++count * 2 > room)
			room *= 2;
	const char **names = mem_array(&problems->mem, room, sizeof(*names));

	env->mem = &problems->mem;
	for (size_t i = 0; i < count; i++) {
		const char *var = envp[i];
		size_t length = name_length(var);
		/* Nothing of what is refused is shown but names: it may be (the rest of) a secret. */
		if (length == 0 || !var[length]) {
			problem_add(problems, where, 0, 0,
				    "entry %zu is not NAME=VALUE: correct it where the container is started", i + 1);
			continue;
		}
		const char **place = table_place(names, room, var, length);
		if (*place) {
			problem_add(problems, where, 0, 0,
				    "\"%.*s\" is set twice (programs differ in which one they see): set it once",
				    (int)length, var);
			continue;
		}
		*place = var;
		list_add(env->mem, &env->vars, var);
	}
}

const char *environ_get(const struct environment *env, const char *name)
{
	size_t length = strlen(name);
	size_t at = find_variable(env, name, length);

	return at < env->vars.count ? env->vars.items[at] + length + 1 : NULL;
}

void environ_set(struct environment *env, const char *name, const char *value)
{
	char *var = mem_format(env->mem, "%s=%s", name, value);
	size_t at = find_variable(env, name, strlen(name));

	if (at < env->vars.count)
		env->vars.items[at] = var;
	else
		list_add(env->mem, &env->vars, var);
}

void environ_unset(struct environment *env, const char *pattern)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->vars.count; i++) {
		char *var = env->vars.items[i];
		char *name = mem_copy(env->mem, var, name_length(var));
		if (!glob_match(pattern, name))
			env->vars.items[kept++] = var;
	}
	env->vars.count = kept;
	if (env->vars.items)
		env->vars.items[kept] = NULL;
}

bool environ_listens(const struct environment *env, pid_t pid)
{
	const char *named = environ_get(env, "LISTEN_PID");
	char own[16];

	snprintf(own, sizeof(own), "%d", (int)pid);
	return named && strcmp(named, own) == 0;
}

bool environ_name_ok(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

	return *name && strspn(name, letters) == strlen(name) && !(*name >= '0' && *name <= '9');
}

/* One pair of quotes around all of VALUE is taken off. */
static char *unquote(char *value)
{
	size_t length = strlen(value);

	if (length < 2 || (value[0] != '"' && value[0] != '\'') || value[length - 1] != value[0])
		return value;
	value[length - 1] = '\0';
	return value + 1;
}

/* LINE is its own to change. */
static void load_line(struct environment *env, struct problems *problems, const char *file, unsigned int number,
		      char *line)
{
	char *equals = strchr(line, '=');

	if (line[0] == '#' || !line[strspn(line, " \t")])
		return;
	if (equals)
		*equals = '\0';
	if (equals && environ_name_ok(line)) {
		environ_set(env, line, unquote(equals + 1));
		return;
	}
	/* What the line holds is not shown: it may be the second line of a secret. */
	if (strncmp(line, "export ", 7) == 0)
		problem_add(problems, file, number, 1, "must be NAME=VALUE: leave out \"export\", this is no shell");
	else
		problem_add(problems, file, number, 1,
			    "must be NAME=VALUE, in one line, without blanks around the name; a name has letters, "
			    "digits and _ only");
}

void environ_load(struct environment *env, struct problems *problems, const char *file, const char *text)
{
	for (unsigned int number = 1; *text; number++) {
		size_t length = strcspn(text, "\n");
		char *line = mem_copy(env->mem, text, length);

		if (length > 0 && line[length - 1] == '\r')
			line[length - 1] = '\0';
		load_line(env, problems, file, number, line);
		text += length + (text[length] == '\n');
	}
}
