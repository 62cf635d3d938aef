/*
 * Messages and exit statuses. Every message is one line on standard error that starts with "capshim: ". Quoted text
 * is escaped (text.h), so that no file name can fake a line or control a terminal. With "report: json" each message is
 * a JSON object instead.
 */
#pragma once

#include <stddef.h>

enum diag_status {
	DIAG_USER = 100,           /* the user must change something: command line or config */
	DIAG_SYSTEM = 111,         /* the system refused: a step, the drop, the filter */
	DIAG_UNPROVEN = 112,       /* the state reached is not the state asked for */
	DIAG_CANNOT_EXECUTE = 126, /* the workload was found but cannot be executed */
	DIAG_NOT_FOUND = 127,      /* the workload was not found */
};

#define DIAG_NO_CAP (-1)
#define DIAG_LINE 8192 /* bytes; longer lines are cut */

/*
 * Takes the signal that came with ERR, the error of a write: SIGPIPE with EPIPE, SIGXFSZ with EFBIG. All signals are blocked
 * while capshim starts, and it would stay pending for the workload.
 */
void diag_discard_signal(int err);

/* Writes TEXT to standard error as it is. Never fails, and leaves neither of these pending. */
void diag_write(const char *text, size_t length);

/* From now on every message is a JSON object in a line of its own. */
void diag_as_json(void);

/* The line that diag_say() would say, into LINE of SIZE bytes; 256 at least, and cut to them. Returns its length. */
size_t diag_line(char *line, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Says one line. Never fails: a closed standard error must not change what the run does. */
void diag_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Prints on standard output, which no message goes to: what was asked for. Ends the process with DIAG_SYSTEM if it cannot be
 * written: half a verdict must not look like one.
 */
void diag_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says one line and ends the process at once with STATUS: no handlers run, nothing is flushed or undone. */
_Noreturn void diag_die(enum diag_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Says "cannot VERB "OBJECT": WHY" and ends with DIAG_SYSTEM. ERR is an errno value; CAP is the capability that the
 * call needs, or DIAG_NO_CAP: see diag_why().
 */
_Noreturn void diag_cannot(const char *verb, const char *object, int err, int cap);

/*
 * Writes the reason for the errno value ERR into WHY and returns WHY: the system's text, and what to write where the
 * cause is known. EPERM or EACCES name CAP and cap_add if the process does not hold CAP now; EROFS says what to mount: a
 * volume or a tmpfs there.
 */
const char *diag_why(char *why, size_t size, int err, int cap);
