#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "fuzz.h"

bool fuzz_may_end;

/*
 * FUZZ_CPU_SECONDS: ends the run when so much processor time is used, by the signal that libFuzzer ends orderly on. Its
 * own limit is by the clock on the wall, which says nothing on a machine that others use.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec when = {.it_value = {0}};
	const char *seconds = getenv("FUZZ_CPU_SECONDS");
	timer_t timer;

	(void)argc;
	(void)argv;
	when.it_value.tv_sec = seconds ? strtol(seconds, NULL, 10) : 0;
	if (when.it_value.tv_sec > 0 &&
	    (timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer) != 0 || timer_settime(timer, 0, &when, NULL) != 0))
		fuzz_fail("cannot set a limit of processor time");
	return 0;
}

void fuzz_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "\nFINDING: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

char *fuzz_part(struct mem *mem, const uint8_t **at, const uint8_t *end, size_t *length)
{
	const uint8_t *begin = *at, *line = begin, *stop = end;

	*at = end;
	while (line < end) {
		const uint8_t *newline = memchr(line, '\n', (size_t)(end - line));
		const uint8_t *behind = newline ? newline : end;
		if (behind - line == 2 && memcmp(line, "--", 2) == 0) {
			stop = line;
			*at = newline ? newline + 1 : end;
			break;
		}
		line = newline ? newline + 1 : end;
	}
	if (length)
		*length = (size_t)(stop - begin);
	return mem_copy(mem, (const char *)begin, (size_t)(stop - begin));
}

char **fuzz_lines(struct mem *mem, const char *text)
{
	struct list lines = {0};

	while (*text) {
		size_t line = strcspn(text, "\n");
		if (line)
			list_add(mem, &lines, mem_copy(mem, text, line));
		text += line + (text[line] == '\n');
	}
	return lines.items ? lines.items : mem_array(mem, 1, sizeof(char *));
}

/* The linker puts these in the place of the functions (--wrap): what is wrong with an input is a problem, no end. */
_Noreturn void __wrap_diag_die(enum diag_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void __wrap_diag_cannot(const char *verb, const char *object, int err, int cap);

void __wrap_diag_die(enum diag_status status, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (fuzz_may_end)
		_exit((int)status);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fuzz_fail("it ended with status %d: %s", (int)status, text);
}

void __wrap_diag_cannot(const char *verb, const char *object, int err, int cap)
{
	(void)cap;
	__wrap_diag_die(DIAG_SYSTEM, "cannot %s \"%s\": %s", verb, object, strerror(err));
}
