/*
 * One verb of `setup`: what may be written beside it, and what it does.
 */
#ifndef CAPSHIM_STEPS_VERB_H
#define CAPSHIM_STEPS_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/capability.h>

#include "base/capability.h"

struct node;
struct problems;
struct setup;
struct step;

/* What stands behind a verb. */
enum verb_value { VERB_PATHS, VERB_ARGV, VERB_MAP, VERB_TARGETS };

/* How an option is read, and what the member of struct step is that it is read into. */
enum option_type {
	OPTION_ELSEWHERE,   /* not by its row: several options make one value */
	OPTION_BOOL,        /* bool: true or false */
	OPTION_FLAG,        /* bool: the only one of `words` is written */
	OPTION_MODE,        /* mode_t, octal; mode_written tells that it is there */
	OPTION_CHANGE,      /* struct mode_change: octal or symbolic */
	OPTION_OWNER,       /* struct owner; owner_written tells that it is there */
	OPTION_TEXT,        /* const char * */
	OPTION_FIXED,       /* the same, written out: it decides about privileges */
	OPTION_PATH,        /* the same, absolute */
	OPTION_TARGET,      /* the same; one that ends in / is a directory */
	OPTION_CHOICE,      /* the same, one of `words` */
	OPTION_WORD,        /* an enum: the place in `words`, the first where it is none of them */
	OPTION_FIXED_WORD,  /* the same, written out */
	OPTION_TEXTS,       /* struct list */
	OPTION_FIXED_TEXTS, /* the same, written out */
	OPTION_PAIRS,       /* struct list: NAME=VALUE, each in the place of one of the same name */
	OPTION_NUMBER,      /* uint32_t: 0 to `max` */
	OPTION_SECONDS,     /* unsigned int: 1 or more */
	OPTION_CODES,       /* unsigned char[32]: a set of bits, one for each exit status */
};

/* An option that a verb has. */
struct step_option {
	const char *name;
	const char *const *words;
	uint32_t max;
	uint16_t offset; /* of the member in struct step */
	uint8_t type;    /* of enum option_type */
	bool required;
};

/* What it takes to act as the owner of directories of others, as a used volume has them (walk/ground.h): for may_need. */
#define MAY_ACT (CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETGID))

/* One verb: all that the rest of capshim knows of it. */
struct verb {
	const char *name;
	const struct step_option *options; /* besides when, unless and on_error */
	uint8_t noptions;
	uint8_t value;                    /* of enum verb_value */
	uint16_t mode;                    /* the default of `mode` */
	bool runs;                        /* it starts programs: it has the options of RUN_OPTIONS */
	bool owner_is_workload;           /* the default of `owner`: whatever it names is given away */
	bool changes_modes;               /* of what is there, as its owner */
	void (*act)(struct setup *setup); /* setup->step; NULL: act_on, for each of its paths */
	void (*act_on)(struct setup *setup, const struct step *step, const char *path);
	/* Adds problems for combinations that can never work; NULL where there are none. NODE is the whole step. */
	void (*check)(const struct step *step, struct problems *problems, const struct node *node);
	/* The capabilities that it needs among what is root's, for --explain. */
	uint64_t (*needs)(const struct step *step);
	uint64_t may_need; /* those that it needs as well among what belongs to others */
};

#endif
