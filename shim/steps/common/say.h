/*
 * What a step says of its failures and of its progress.
 */
#pragma once

#include "steps/setup.h"
#include "walk/walk.h"

/*
 * A step could not VERB OBJECT because of ERR (errno), for want of CAP (or DIAG_NO_CAP). Ends the process with 111
 * and "cannot VERB "OBJECT": why" - unless on_error or try_setup lets it go on: then it counts, says the first one
 * (on_error: warn), and returns. The caller goes on with the next entry. Returns false, as the next three do.
 */
bool setup_failed(struct setup *setup, const char *verb, const char *object, int err, int cap);

/* The same with a reason in words instead of errno. */
bool setup_refused(struct setup *setup, const char *verb, const char *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* setup_failed() with words that tell more than ERR does: "cannot VERB "OBJECT": REASON". */
bool setup_failed_for(struct setup *setup, const char *verb, const char *object, int err, const char *reason);

/* setup_failed() for a path that a function of walk.h could not reach: tells which link was not followed, and why. */
bool setup_unreachable(struct setup *setup, const char *verb, const char *path, int err,
		       const struct walk_where *where);

/* walk_find(), and walk_open() with WALK_FOLLOW, for VERB: false, or -1, after setup_unreachable(). */
[[nodiscard]] bool setup_find(struct setup *setup, const char *verb, const char *path, int flags,
			      struct walk_found *found);
[[nodiscard]] int setup_open(struct setup *setup, const char *verb, const char *path);

/* setup_find(), then ACT on what was found, which is released. False: a failure was reported. */
bool setup_at(struct setup *setup, const char *verb, const char *path, int flags,
	      bool (*act)(struct setup *, const char *path, struct walk_found *));

/* Says one line about the step that is not about a failure ("12 hard links skipped …"). */
void setup_note(struct setup *setup, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* To be called for every entry of long work: says how far it is every five seconds. */
void setup_progress(struct setup *setup, const char *object);

/* The same inside of a large file, of which so many BYTES are done. */
void setup_progress_in(struct setup *setup, const char *object, uint64_t bytes);

/* The verb of the step at hand, and what it is about: its first path or program. */
const char *setup_verb(const struct setup *setup);
const char *setup_subject(struct setup *setup);

/* Milliseconds since THEN, by the monotonic clock. */
long long setup_milliseconds(const struct timespec *then);
