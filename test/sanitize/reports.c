/*
 * Linked to the sanitized capshim only. The tests clean the environment, so the sanitizers' options stand here; and a
 * test that looks at no status must not hide a report: each one also leaves a file in REPORTS, which test/sanitize/run
 * reads in the end. Where none can be written (a read-only image), standard error and the status remain.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#define COUNTER REPORTS "/runs"

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
void __ubsan_on_report(void);

/*
 * No status that any test expects. Leaks are looked for elsewhere: finding them takes /proc, a second thread that traces
 * this process, and a process that may be traced, which a capshim that has given its privileges away is not.
 */
const char *__asan_default_options(void)
{
	return "exitcode=77:detect_leaks=0:strict_string_checks=1";
}

const char *__ubsan_default_options(void)
{
	return "exitcode=77:print_stacktrace=1";
}

static void record(const char *text)
{
	struct timespec now = {0};
	char name[128];

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof(name), REPORTS "/report.%ld.%ld.%d", (long)now.tv_sec, now.tv_nsec, getpid());
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		(void)ftruncate(fd, 1); /* an empty file would be a report all the same */
	close(fd);
}

void __ubsan_on_report(void)
{
	record("undefined behaviour; the test's output says which\n");
}

/* Whatever else ends the process on a sanitizer's behalf: a failed check of its own, a fatal signal. */
static void record_death(void)
{
	record("a sanitizer ended the process\n");
}

/* One byte for each start, so that a suite that started nothing is seen as such. */
__attribute__((constructor)) static void begin(void)
{
	int fd = open(COUNTER, O_WRONLY | O_APPEND | O_CLOEXEC);

	__asan_set_error_report_callback(record);
	__sanitizer_set_death_callback(record_death);
	if (fd < 0)
		return;
	if (write(fd, ".", 1) < 0 && errno != EFBIG) /* a test limits the size of files */
		record("cannot count this run\n");
	close(fd);
}
