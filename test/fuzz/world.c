#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "fuzz.h"
#include "plan.h"
#include "walk/walk.h"
#include "world.h"

#define SAID (1024 * 1024)

/* What is said: what does not fit is cut, for a config of a few KB says less. */
struct record {
	char text[SAID];
	size_t length;
};

static struct record problems_said, output, errors;
static bool listening; /* standard error goes to ERRORS */
static const char *config;
static size_t config_length;
static unsigned int config_lines;

static void put(struct record *record, const char *bytes, size_t length)
{
	if (length >= SAID - record->length)
		length = SAID - 1 - record->length;
	memcpy(record->text + record->length, bytes, length);
	record->length += length;
	record->text[record->length] = '\0';
}

static void forget(struct record *record)
{
	record->length = 0;
	record->text[0] = '\0';
}

void world_begin(const char *bytes, size_t length)
{
	config = bytes;
	config_length = length;
	/* libyaml sees the end in the line behind the last, and breaks lines at U+0085, U+2028 and U+2029 as well. */
	config_lines = 2;
	for (size_t i = 0; i < length; i++)
		config_lines += bytes[i] && strchr("\n\r\x85\xa8\xa9", bytes[i]) != NULL;
	forget(&problems_said);
	forget(&output);
}

const char *world_problems(void)
{
	return problems_said.text;
}

const char *world_output(void)
{
	return output.text;
}

void world_check_messages(const struct problems *problems)
{
	/* The second one from the first config on that says "report: json": the process keeps it. */
	static const char *const fronts[] = {"capshim: ", "{\"event\":\"capshim.message\",\"message\":\""};
	size_t lines = 0;

	forget(&errors);
	listening = true;
	problems_say(problems);
	listening = false;
	for (const char *at = errors.text; *at; lines++) {
		size_t length = strcspn(at, "\n");
		if (at[length] != '\n')
			break; /* cut above */
		const char *front = fronts[*at == '{'];
		FUZZ_HOLDS(strncmp(at, front, strlen(front)) == 0 && length > strlen(front));
		for (size_t i = 0; i < length; i++)
			FUZZ_HOLDS((unsigned char)at[i] >= 0x20 && at[i] != 0x7f);
		at += length + 1;
	}
	FUZZ_HOLDS(lines == problems->count || errors.length >= SAID - 9000);
}

void world_start(struct start *start, bool nonroot)
{
	static gid_t groups[] = {0, 44, 5000};
	const uint64_t docker = UINT64_C(0xa80425fb);

	*start = (struct start){.bounding = docker, .groups = groups};
	start->ngroups = sizeof(groups) / sizeof(*groups);
	if (nonroot)
		start->uid = start->euid = start->suid = start->gid = start->egid = start->sgid = 1234;
	else
		start->permitted = start->effective = docker;
}

/* PATH in the world; NULL where it would lead out. */
static const char *inside(char *to, size_t size, const char *path)
{
	if (path[0] != '/' || strstr(path, "/..") || strlen(FUZZ_WORLD) + strlen(path) >= size)
		return NULL;
	snprintf(to, size, "%s%s", FUZZ_WORLD, path);
	return to;
}

/* The linker puts these in the place of the functions; what they stand for is __real_…. */
char *__wrap_trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why);
int __wrap_access(const char *path, int mode);
int __wrap_faccessat(int at, const char *path, int mode, int flags);
int __wrap_walk_open(const char *path, int flags, struct walk_where *where);
int __wrap_walk_find(const char *path, int flags, struct walk_found *found);
void __wrap_config_look_up(struct plan *plan);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
int __wrap_vdprintf(int fd, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
void __wrap_problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
			const char *format, ...) __attribute__((format(printf, 5, 6)));
int __real_faccessat(int at, const char *path, int mode, int flags);
int __real_walk_open(const char *path, int flags, struct walk_where *where);
int __real_walk_find(const char *path, int flags, struct walk_found *found);
ssize_t __real_write(int fd, const void *bytes, size_t length);
void __real_problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
			const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The trust rule has its own tests: a checkout need not be root's. */
char *__wrap_trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why)
{
	char name[4096];
	const char *file = inside(name, sizeof(name), path);

	*why = NULL;
	if (strcmp(path, WORLD_CONFIG) == 0) {
		*length = config_length;
		return mem_copy(mem, config, config_length);
	}
	FILE *stream = file ? fopen(file, "r") : NULL;
	char *bytes = mem_alloc(mem, 65536);
	size_t count = stream ? fread(bytes, 1, 65535, stream) : 0;
	bool bad = !stream || ferror(stream);
	if (stream)
		fclose(stream);
	if (bad || count > limit) {
		*why = "no such file";
		return NULL;
	}
	*length = count;
	return mem_copy(mem, bytes, count);
}

int __wrap_access(const char *path, int mode)
{
	return __wrap_faccessat(AT_FDCWD, path, mode, 0);
}

int __wrap_faccessat(int at, const char *path, int mode, int flags)
{
	char name[4096];
	const char *file = inside(name, sizeof(name), path);

	if (file)
		return __real_faccessat(at, file, mode, flags | AT_SYMLINK_NOFOLLOW);
	errno = ENOENT;
	return -1;
}

int __wrap_walk_open(const char *path, int flags, struct walk_where *where)
{
	char name[4096];
	const char *file = inside(name, sizeof(name), path);

	return __real_walk_open(file ? file : "/nowhere", flags, where);
}

int __wrap_walk_find(const char *path, int flags, struct walk_found *found)
{
	char name[4096];
	const char *file = inside(name, sizeof(name), path);

	return __real_walk_find(file ? file : "/nowhere", flags, found);
}

/* It reads file capabilities by path; nothing of the plan comes from it but problems. */
void __wrap_config_look_up(struct plan *plan)
{
	(void)plan;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	if (fd != STDERR_FILENO || !listening)
		return __real_write(fd, bytes, length);
	put(&errors, bytes, length);
	return (ssize_t)length;
}

int __wrap_vdprintf(int fd, const char *format, va_list args)
{
	char *text;
	int length = vasprintf(&text, format, args);

	(void)fd;
	FUZZ_HOLDS(length >= 0);
	put(&output, text, (size_t)length);
	free(text);
	return length;
}

void __wrap_problem_add(struct problems *problems, const char *file, unsigned int line, unsigned int column,
			const char *format, ...)
{
	char text[8192], place[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	FUZZ_HOLDS(text[0] && file && file[0] && (line == 0) == (column == 0));
	FUZZ_HOLDS(strcmp(file, WORLD_CONFIG) != 0 || (line <= config_lines && column <= config_length + 2));
	snprintf(place, sizeof(place), "%s:%u:%u: ", file, line, column);
	put(&problems_said, place, strlen(place));
	put(&problems_said, text, strlen(text));
	put(&problems_said, "\n", 1);
	__real_problem_add(problems, file, line, column, "%s", text);
}
