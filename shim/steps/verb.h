/*
 * One verb of `setup`: what may be written beside it, and what it does.
 */
#ifndef CAPSHIM_STEPS_VERB_H
#define CAPSHIM_STEPS_VERB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct node;
struct problems;
struct setup;
struct step;

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

/* The checks of verb_table. */
void copy_check(const struct step *step, struct problems *problems, const struct node *node);
void template_check(const struct step *step, struct problems *problems, const struct node *node);
void mount_check(const struct step *step, struct problems *problems, const struct node *node);
void sysctl_check(const struct step *step, struct problems *problems, const struct node *node);
void wait_for_check(const struct step *step, struct problems *problems, const struct node *node);

void mkdir_check(const struct step *step, struct problems *problems, const struct node *node);
void chown_check(const struct step *step, struct problems *problems, const struct node *node);
void chmod_check(const struct step *step, struct problems *problems, const struct node *node);
void remove_check(const struct step *step, struct problems *problems, const struct node *node);
void mknod_check(const struct step *step, struct problems *problems, const struct node *node);

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
