/* One verb of `setup`: its options, and what it does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <linux/capability.h>

#include "base/capability.h"

struct node;
struct problems;
struct setup;
struct step;

/* The kind of value that a verb takes. */
enum verb_value { VERB_PATHS, VERB_ARGV, VERB_MAP, VERB_TARGETS };

/* How an option is read, and the type of the member of struct step that receives it. */
enum option_type {
	OPTION_ELSEWHERE,   /* not read by its row: several options form one value */
	OPTION_BOOL,        /* bool: true or false */
	OPTION_MODE,        /* mode_t, octal; mode_written says whether it was given */
	OPTION_CHANGE,      /* struct mode_change: octal or symbolic */
	OPTION_OWNER,       /* struct owner; owner_written says whether it was given */
	OPTION_TEXT,        /* const char * */
	OPTION_FIXED,       /* the same, without ${: it decides about privileges */
	OPTION_PATH,        /* the same, absolute */
	OPTION_TARGET,      /* the same; one that ends in / is a directory */
	OPTION_CHOICE,      /* the same, must be one of `words` */
	OPTION_WORD,        /* an enum: the position in `words`, the first if it is none of them */
	OPTION_FIXED_WORD,  /* the same, written out */
	OPTION_TEXTS,       /* struct list */
	OPTION_FIXED_TEXTS, /* the same, written out */
	OPTION_PAIRS,       /* struct list: NAME=VALUE; one of the same name is replaced */
	OPTION_NUMBER,      /* uint32_t: 0 to `max` */
	OPTION_SECONDS,     /* unsigned int: 1 or more */
	OPTION_CODES,       /* unsigned char[32]: a bit set of exit statuses */
};

/* One option of a verb. */
struct step_option {
	const char *name;
	const char *const *words;
	uint32_t max;
	uint16_t offset; /* of the member in struct step */
	uint8_t type;    /* of enum option_type */
	bool required;
};

/* What it takes to act as the owner of other users' directories, as in a used volume (walk/ground.h): for may_need. */
#define MAY_ACT (CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETGID))

/* One verb: everything that the rest of capshim knows about it. */
struct verb {
	const char *name;
	const struct step_option *options; /* besides when, unless and on_error; a NULL name ends them */
	uint8_t value;                     /* of enum verb_value */
	uint16_t mode;                     /* default of `mode` */
	bool runs;                         /* it starts programs: it has RUN_OPTIONS */
	bool owner_is_workload;            /* default of `owner`: everything it names is given to the workload */
	bool changes_modes;                /* of existing objects, acting as their owner */
	void (*act)(struct setup *setup);  /* setup->step; NULL: act_on, for each of its paths */
	bool (*act_on)(struct setup *setup, const char *path); /* false: it was reported */
	/* Adds problems for combinations that can never work; NULL if there are none. NODE is the whole step. */
	void (*check)(const struct step *step, struct problems *problems, const struct node *node);
	/* The capabilities that it needs for objects owned by root, for --explain. */
	uint64_t (*needs)(const struct step *step);
	uint64_t may_need; /* those that it also needs for objects owned by other users */
};
