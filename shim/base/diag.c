#include "base/diag.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/text.h"

/* A program of a step can fill what it shares with capshim, and make it O_NONBLOCK: the reader has some time. */
#define WAITS 5   /* of one run */
#define WAIT 2000 /* milliseconds */

/* One that another process has sent is the process's, not the thread's, and sigtimedwait(2) takes the thread's first. */
void diag_discard_signal(int err)
{
	const struct timespec now = {0, 0};
	sigset_t set;

	if (err != EPIPE && err != EFBIG)
		return;
	sigemptyset(&set);
	sigaddset(&set, err == EPIPE ? SIGPIPE : SIGXFSZ);
	(void)sigtimedwait(&set, NULL, &now);
}

void diag_write(const char *text, size_t length)
{
	static int waits = WAITS;
	struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};

	for (size_t done = 0; done < length;) {
		ssize_t n = write(STDERR_FILENO, text + done, length - done);
		if (n < 0 && (errno == EINTR || (errno == EAGAIN && waits-- > 0 && poll(&to, 1, WAIT) > 0)))
			continue;
		if (n < 0)
			diag_discard_signal(errno);
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

/* Set once, by "report: json", before there is a second process. Every message needs it, so it is no member of the plan. */
static bool as_json;

void diag_as_json(void)
{
	as_json = true;
}

/* "capshim: TEXT", or one object with TEXT and a STATUS that is not 0, and a newline. What does not fit is cut. */
[[gnu::format(printf, 4, 0)]] static size_t make_line(char *line, size_t size, int status, const char *format,
						      va_list args)
{
	const char *front = as_json ? "{\"event\":\"capshim.message\",\"message\":\"" : "capshim: ";
	char text[DIAG_LINE], end[32] = "\n";
	size_t used = strlen(front);

	vsnprintf(text, sizeof(text), format, args);
	if (as_json && status)
		snprintf(end, sizeof(end), "\",\"status\":%d}\n", status);
	else if (as_json)
		snprintf(end, sizeof(end), "\"}\n");
	memcpy(line, front, used);
	used += text_escape(line + used, size - used - sizeof(end), text, as_json);
	memcpy(line + used, end, strlen(end));
	return used + strlen(end);
}

size_t diag_line(char *line, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const size_t length = make_line(line, size, 0, format, args);
	va_end(args);
	return length;
}

/* In one write(2), so that lines of several processes do not mix. */
[[gnu::format(printf, 2, 0)]] static void say_line(int status, const char *format, va_list args)
{
	char line[DIAG_LINE];

	diag_write(line, make_line(line, sizeof(line), status, format, args));
}

void diag_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_line(0, format, args);
	va_end(args);
}

void diag_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vdprintf(STDOUT_FILENO, format, args) < 0)
		diag_die(DIAG_SYSTEM, "cannot print on standard output: %s", strerror(errno));
	va_end(args);
}

void diag_die(enum diag_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say_line((int)status, format, args);
	va_end(args);
	_exit((int)status);
}

void diag_cannot(const char *verb, const char *object, int err, int cap)
{
	char why[256];

	diag_die(DIAG_SYSTEM, "cannot %s \"%s\": %s", verb, object, diag_why(why, sizeof(why), err, cap));
}

/* Is CAP in the effective set now? If that cannot be read: no, so that the hint is shown. */
static bool is_effective(int cap)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}, {0}};

	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	return (data[cap / 32].effective >> (cap % 32)) & 1;
}

const char *diag_why(char *why, size_t size, int err, int cap)
{
	/* A process that holds one of these can still be refused by a flag of the file: ioctl_iflags(2). */
	const bool of_files = cap == CAP_CHOWN || cap == CAP_DAC_OVERRIDE || cap == CAP_FOWNER;

	if ((err == EPERM || err == EACCES) && cap != DIAG_NO_CAP && !is_effective(cap))
		snprintf(why, size, "%s (needs %s: %s)", strerror(err), capability_name((unsigned int)cap).text,
			 geteuid() == 0 ? "add it to the container's cap_add" : "start the container as root");
	else if (err == EACCES && cap != DIAG_NO_CAP)
		snprintf(
			why, size,
			"%s (root has no rights there, as on NFS with root_squash: write \"as: workload\", or leave the step out; "
			"or a security module forbids it)",
			strerror(err));
	else if (err == EPERM)
		snprintf(why, size, "%s (the container's seccomp profile or security module forbids it%s)",
			 strerror(err), of_files ? ", or the file is immutable" : "");
	else if (err == ESTALE)
		snprintf(why, size, "%s (somebody has put another one in its place)", strerror(err));
	else if (err == EMFILE)
		snprintf(why, size, "%s (the limit nofile is too low)", strerror(err));
	else if (err == EROFS)
		snprintf(
			why, size,
			"%s (on a read-only root mount a volume or a tmpfs there; if it is a volume, mount it without ro)",
			strerror(err));
	else
		snprintf(why, size, "%s", strerror(err));
	return why;
}
