#include "input/environ.h"

#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/glob.h"

/* The length of the name in VAR (NAME=VALUE). */
static size_t name_length(const char *var)
{
	return strcspn(var, "=");
}

/*
 * The index: variables whose names have the same hash form a chain. CHAINS holds for each hash the number of the
 * first one (from 1; 0: none), NEXT that of the next one. The hash reads the bytes of a name as digits of a number
 * modulo a prime, in a secret base: two names of LENGTH bytes collide in at most LENGTH of 2^28 bases, so nobody can
 * choose names that all end up in one chain.
 */
#define PRIME 0x7fffffffU /* 2^31 - 1 */
#define FIRST_ROOM 32

static uint32_t random_base(void)
{
	/* 16 random bytes from the kernel, getauxval(3); the C library uses the first of them. */
	const unsigned char *bytes = (const unsigned char *)getauxval(AT_RANDOM);
	uint32_t base = 0;

	for (int i = 12; bytes && i < 16; i++)
		base = base << 8 | bytes[i];
	return (base & 0xfffffff) | 256;
}

static uint32_t *chain_of(const struct environment *env, const char *name, size_t length)
{
	uint64_t number = 0;

	for (size_t i = 0; i < length; i++) {
		number = number * env->base + (unsigned char)name[i] + 1;
		number = (number & PRIME) + (number >> 31); /* the same modulo PRIME, and below 2^32 */
	}
	return &env->chains[number % PRIME & (env->room - 1)];
}

static void link_in(struct environment *env, size_t at)
{
	const char *var = env->vars.items[at];
	uint32_t *chain = chain_of(env, var, name_length(var));

	env->next[at] = *chain;
	*chain = (uint32_t)at + 1;
}

/* Builds the index again, with room for one more variable. */
static void index_all(struct environment *env)
{
	size_t room = env->room ? env->room : FIRST_ROOM;

	while (room <= env->vars.count)
		room *= 2;
	if (room != env->room) {
		env->chains = mem_array(env->mem, room, sizeof(*env->chains));
		env->next = mem_array(env->mem, room, sizeof(*env->next));
		env->base = random_base();
		env->room = room;
	} else {
		memset(env->chains, 0, room * sizeof(*env->chains));
	}
	for (size_t at = 0; at < env->vars.count; at++)
		link_in(env, at);
}

/* The position of the variable whose name is the first LENGTH bytes of NAME; the count if there is none. */
static size_t find_variable(const struct environment *env, const char *name, size_t length)
{
	uint32_t number = env->room ? *chain_of(env, name, length) : 0;

	while (number &&
	       (strncmp(env->vars.items[number - 1], name, length) != 0 || env->vars.items[number - 1][length] != '='))
		number = env->next[number - 1];
	return number ? number - 1 : env->vars.count;
}

static void add_variable(struct environment *env, char *var)
{
	list_take(env->mem, &env->vars, var);
	if (env->vars.count > env->room)
		index_all(env);
	else
		link_in(env, env->vars.count - 1);
}

void environ_from(struct environment *env, struct mem *mem, const struct list *vars)
{
	*env = (struct environment){.mem = mem};
	for (size_t i = 0; i < vars->count; i++)
		add_variable(env, vars->items[i]);
}

void environ_start(struct environment *env, struct problems *problems, char **envp)
{
	static const char where[] = "environment of the container";

	*env = (struct environment){.mem = &problems->mem};
	for (size_t i = 0; envp[i]; i++) {
		size_t length = name_length(envp[i]);
		/* Only names are shown of what is refused: the rest may be (part of) a secret. */
		if (length == 0 || !envp[i][length])
			problem_add(problems, where, 0, 0,
				    "entry %zu is not NAME=VALUE: correct it where the container is started", i + 1);
		else if (find_variable(env, envp[i], length) < env->vars.count)
			problem_add(problems, where, 0, 0,
				    "\"%.*s\" is set twice (programs differ in which one they see): set it once",
				    (int)length, envp[i]);
		else
			add_variable(env, envp[i]);
	}
}

const char *environ_find(const struct environment *env, const char *name, size_t length)
{
	size_t at = find_variable(env, name, length);

	return at < env->vars.count ? env->vars.items[at] + length + 1 : NULL;
}

const char *environ_get(const struct environment *env, const char *name)
{
	return environ_find(env, name, strlen(name));
}

void environ_set(struct environment *env, const char *name, const char *value)
{
	environ_put(env, mem_format(env->mem, "%s=%s", name, value));
}

void environ_put(struct environment *env, char *var)
{
	size_t at = find_variable(env, var, name_length(var));

	if (at < env->vars.count)
		env->vars.items[at] = var;
	else
		add_variable(env, var);
}

void environ_take_out(struct environment *env, const char *name)
{
	size_t at = find_variable(env, name, strlen(name));

	if (at < env->vars.count)
		env->vars.items[at] += strlen(env->vars.items[at]);
}

void environ_close_gaps(struct environment *env)
{
	size_t kept = 0;

	for (size_t i = 0; i < env->vars.count; i++)
		if (*env->vars.items[i])
			env->vars.items[kept++] = env->vars.items[i];
	if (kept == env->vars.count)
		return;
	env->vars.count = kept;
	env->vars.items[kept] = NULL;
	index_all(env);
}

bool environ_name_matches(char *var, const char *pattern)
{
	char *equals = var + name_length(var);

	*equals = '\0';
	bool matches = glob_match(pattern, var);
	*equals = '=';
	return matches;
}

void environ_select(struct environment *env, struct mem *mem, const struct environment *from, const struct list *globs)
{
	*env = (struct environment){.mem = mem};
	for (size_t at = 0; at < from->vars.count; at++) {
		bool wanted = false;
		for (size_t i = 0; i < globs->count && !wanted; i++)
			wanted = environ_name_matches(from->vars.items[at], globs->items[i]);
		if (wanted)
			add_variable(env, from->vars.items[at]);
	}
}

void environ_unset(struct environment *env, const char *pattern)
{
	for (size_t i = 0; i < env->vars.count; i++)
		if (environ_name_matches(env->vars.items[i], pattern))
			env->vars.items[i] += strlen(env->vars.items[i]);
	environ_close_gaps(env);
}

bool environ_matches(const struct environment *env, const char *pattern)
{
	size_t at = 0;

	while (at < env->vars.count && !environ_name_matches(env->vars.items[at], pattern))
		at++;
	return at < env->vars.count;
}

bool environ_listens(const struct environment *env, pid_t pid)
{
	const char *named = environ_get(env, "LISTEN_PID");
	char own[16];

	return named && snprintf(own, sizeof(own), "%d", (int)pid) > 0 && strcmp(named, own) == 0;
}

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789"

size_t environ_name_at(const char *text)
{
	return *text >= '0' && *text <= '9' ? 0 : strspn(text, LETTERS);
}

/* Engines pass any name; programs on Java have dots in theirs (discovery.type). */
bool environ_name_ok(const char *name)
{
	return environ_name_at(name) && !name[strspn(name, LETTERS ".-")];
}

/* Removes one pair of quotes around the whole of VALUE. */
static char *unquote(char *value)
{
	size_t length = strlen(value);

	if (length < 2 || (value[0] != '"' && value[0] != '\'') || value[length - 1] != value[0])
		return value;
	value[length - 1] = '\0';
	return value + 1;
}

/* Changes LINE in place. */
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
	/* The line is not shown: it may be the second line of a secret. */
	if (strncmp(line, "export ", 7) == 0)
		problem_add(problems, file, number, 1, "must be NAME=VALUE: leave out \"export\", this is no shell");
	else
		problem_add(problems, file, number, 1,
			    "must be NAME=VALUE, in one line, without blanks around the name; a name has letters, "
			    "digits, _, . and - only");
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
