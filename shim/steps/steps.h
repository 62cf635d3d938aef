/*
 * The setup steps: one file per verb, one table. A verb acts with *at() calls on descriptors from walk.h, and parses
 * nothing: the plan did.
 */
#ifndef CAPSHIM_STEPS_H
#define CAPSHIM_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "../plan.h"
#include "../yaml.h"

/* What stands behind a verb. */
enum verb_value { VERB_PATHS, VERB_ARGV, VERB_MAP, VERB_TARGETS };

/* The options of steps, one bit each: rows of option_table in the plan. */
enum step_option {
	OPTION_MODE = 1 << 0,        /* octal mode */
	OPTION_MODE_CHANGE = 1 << 1, /* octal or symbolic mode */
	OPTION_OWNER = 1 << 2,
	OPTION_AS = 1 << 3,
	OPTION_RECURSIVE = 1 << 4,
	OPTION_CHANGE_POLICY = 1 << 5,
	OPTION_EXCLUDE = 1 << 6,
	OPTION_HARDLINKS = 1 << 7,
	OPTION_CROSS_MOUNTS = 1 << 8,
	OPTION_ONLY_IF_EXISTS = 1 << 9, /* if_exists as a boolean */
	OPTION_IF_EXISTS = 1 << 10,     /* if_exists: replace|keep|append_missing */
	OPTION_FILE_MODE = 1 << 11,     /* file_mode and dir_mode */
	OPTION_CONTENT = 1 << 12,
	OPTION_TO = 1 << 13,
	OPTION_ONLY_IF_EMPTY = 1 << 14,
	OPTION_TARGET = 1 << 15,
	OPTION_FORCE = 1 << 16,
	OPTION_TEMPLATE = 1 << 17, /* variables, suffix, bare */
	OPTION_MOUNT = 1 << 18,    /* type, source, options */
	OPTION_DEVICE = 1 << 19,   /* type, major, minor */
	OPTION_TIMEOUT = 1 << 20,
	OPTION_NONEMPTY = 1 << 21,
	OPTION_RUN = 1 << 22, /* user, cap_add, environment, stdin, ok_exit_codes, working_dir */
	OPTION_MATCH = 1 << 23,
};

struct setup;

/* One row of the verb table. */
struct verb {
	const char *name;
	enum verb_value value;
	uint32_t options;  /* what may be written, of enum step_option */
	uint32_t required; /* what must be written */
	mode_t mode;       /* the default of `mode` */
	bool globs;        /* the last component of a path may be a glob */
	void (*act)(struct setup *setup, const struct step *step);
	/* Adds problems for combinations that can never work; NULL where there are none. NODE is the whole step. */
	void (*check)(const struct step *step, struct problems *problems, const struct node *node);
	/* The capabilities that it needs among what is root's, for --explain. */
	uint64_t (*needs)(const struct step *step);
	uint64_t may_need; /* those that it needs as well among what belongs to others */
};

extern const struct verb verb_table[]; /* ends with a row whose name is NULL */

/* The run of the steps, and of the one at hand. */
struct setup {
	const struct plan *plan;
	const struct step *step;
	size_t failures;             /* of this step, where on_error or try_setup goes on */
	size_t warnings;             /* said of this step */
	uint64_t changed, same;      /* for the trace: what it did, what it found already done */
	struct timespec begin, said; /* monotonic; for the trace and the progress lines */
	struct mem mem;              /* of this step: released when it ends */
};

/* Runs accounts and steps in order. Ends the process with 111 where one fails and its on_error is `fail`. */
void setup_run(const struct plan *plan);

/*
 * A step could not VERB OBJECT because of ERR (errno), for want of CAP (or DIAG_NO_CAP). Ends the process with 111
 * and "cannot VERB "OBJECT": why" - unless on_error or try_setup lets it go on: then it counts, says the first one
 * (on_error: warn), and returns. The caller goes on with the next entry.
 */
void setup_failed(struct setup *setup, const char *verb, const char *object, int err, int cap);

/* The same with a reason in words instead of errno. */
void setup_refused(struct setup *setup, const char *verb, const char *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* setup_failed() with words that tell more than ERR does: "cannot VERB "OBJECT": REASON". */
void setup_failed_for(struct setup *setup, const char *verb, const char *object, int err, const char *reason);

struct walk_where;

/* setup_failed() for a path that a function of walk.h could not reach: tells which link was not followed, and why. */
void setup_unreachable(struct setup *setup, const char *verb, const char *path, int err,
		       const struct walk_where *where);

/* Says one line about the step that is no failure ("12 hard links skipped …"). */
void setup_note(struct setup *setup, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* To be called for every entry of long work: says how far it is every five seconds. */
void setup_progress(struct setup *setup, const char *object);

/* Do all conditions of the step hold now? False as well where one could not be asked and on_error goes on. */
bool setup_conditions(struct setup *setup, const struct condition *conditions) __attribute__((warn_unused_result));

/* Puts the entries of plan->wishes into passwd and group. */
void setup_accounts(struct setup *setup);

/* The checks of verb_table. */
void copy_check(const struct step *step, struct problems *problems, const struct node *node);
void template_check(const struct step *step, struct problems *problems, const struct node *node);
void mount_check(const struct step *step, struct problems *problems, const struct node *node);
void sysctl_check(const struct step *step, struct problems *problems, const struct node *node);
void wait_for_check(const struct step *step, struct problems *problems, const struct node *node);

/* Each in its own file. */
void step_mkdir(struct setup *setup, const struct step *step);
void step_chown(struct setup *setup, const struct step *step);
void step_chmod(struct setup *setup, const struct step *step);
void step_write(struct setup *setup, const struct step *step);
void step_copy(struct setup *setup, const struct step *step);
void step_symlink(struct setup *setup, const struct step *step);
void step_remove(struct setup *setup, const struct step *step);
void step_template(struct setup *setup, const struct step *step);
void step_mount(struct setup *setup, const struct step *step);
void step_sysctl(struct setup *setup, const struct step *step);
void step_mknod(struct setup *setup, const struct step *step);
void step_wait_for(struct setup *setup, const struct step *step);
void step_run(struct setup *setup, const struct step *step);
void step_run_dir(struct setup *setup, const struct step *step);

#endif
