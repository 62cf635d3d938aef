/* One step of a config, as the plan holds it: what its verb is told. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/mem.h"
#include "filter/filter.h"
#include "privilege/privileges.h"

struct step;

/* One condition of `when` or `unless`. */
enum condition_kind { WHEN_EXISTS, WHEN_EMPTY, WHEN_MOUNTPOINT, WHEN_CAP, WHEN_SUCCEEDS, WHEN_ONLY, WHEN_ANY };

struct condition {
	struct condition *next;
	enum condition_kind kind;
	bool negate;                      /* it is under `unless` */
	const char *path;                 /* exists, empty, mountpoint, only */
	uint64_t capability;              /* cap: its bit */
	const struct step *program;       /* succeeds: a step of `run` */
	struct list names;                /* only: globs */
	struct condition_choice *choices; /* any: one of them must hold */
};

/* One mapping of a list under `when`: all of its conditions must hold. */
struct condition_choice {
	struct condition_choice *next;
	struct condition *conditions;
};

/* Steps under one condition, which is evaluated once, before the first of them. */
struct step_group {
	bool skipped;                 /* as of a step */
	struct condition *conditions; /* as of a step */
};

enum plan_on_error { ON_ERROR_FAIL, ON_ERROR_WARN, ON_ERROR_IGNORE };

/* A user and a group to own something: ACCOUNTS_NO_ID leaves that id as it is. */
struct owner {
	uint32_t uid, gid;
};

/*
 * A mode: either octal bits, or the clauses of chmod(1)'s symbolic form. For each clause, WHO is a mask of the bits
 * that it changes (0700 0070 0007, and 04000 02000 01000 as they apply).
 */
struct mode_clause {
	mode_t who;         /* u g o a, as the bits of 07777 that may change */
	char operation;     /* '+', '-' or '=' */
	mode_t bits;        /* rwxst, already shifted to the places of WHO */
	bool conditional_x; /* X: execute only for directories, and where some execute bit is set */
};

struct mode_change {
	bool set;
	bool octal;
	mode_t bits;                 /* octal */
	struct mode_clause *clauses; /* symbolic */
	size_t nclauses;
};

/* How `run` narrows a program: the same drop and proof as for the workload, and the default filter. */
struct step_user {
	bool narrowed; /* user or cap_add is written; otherwise the program runs as capshim does */
	struct privileges want;
	struct filter filter;    /* of a narrowed program; without code: `seccomp: unconfined` */
	const char *home, *name; /* from passwd; NULL without an entry */
};

enum change_policy { CHANGE_ALWAYS, CHANGE_ON_ROOT_MISMATCH };
enum hardlinks { HARDLINKS_SKIP, HARDLINKS_REFUSE, HARDLINKS_FOLLOW };
enum if_exists { IF_EXISTS_REPLACE, IF_EXISTS_KEEP, IF_EXISTS_APPEND_MISSING };

enum sync { SYNC_YES, SYNC_NO };

struct verb;

/* One step of `setup`. The verb's row in the verb table says which members it uses. */
struct step {
	const struct verb *verb;
	unsigned int line;
	bool skipped;                   /* excluded by a condition on the environment or the command */
	struct condition *conditions;   /* the conditions that are evaluated when its turn comes */
	const struct step_group *group; /* NULL: it is in no group */
	enum plan_on_error on_error;

	struct list items;          /* the verb's own value: paths, argv, or for sysctl KEY=VALUE pairs */
	const struct step *program; /* wait_for: {run: ARGV} as a step of `run`; the items are its argv */
	bool mode_written, owner_written;
	mode_t mode;                            /* octal modes: mkdir, write, copy, template, mknod */
	struct owner owner;                     /* ACCOUNTS_NO_ID where none is written and the verb has no default */
	struct mode_change change;              /* chown, chmod: mode */
	struct mode_change file_mode, dir_mode; /* chown, chmod */
	const char *as;                         /* mkdir: "workload", or NULL */
	bool recursive, cross_mounts, force, only_if_empty, nonempty, bare;
	bool contents_only;  /* chown, chmod: not the directory itself */
	bool only_if_exists; /* chown, chmod: `if_exists: true`, a missing path is fine */
	enum change_policy change_policy;
	enum hardlinks hardlinks;
	enum if_exists if_exists;  /* write, copy */
	enum sync sync;            /* write, copy, template */
	struct list preserve;      /* copy */
	struct list exclude;       /* globs on base names */
	const char *content;       /* write */
	const char *to;            /* copy, template */
	const char *target;        /* symlink */
	const char *suffix;        /* template */
	struct list variables;     /* template; empty: every variable that exists */
	const char *type, *source; /* mount; for mknod type is "c", "b" or "p" */
	struct list mount_options;
	uint32_t major, minor;                /* mknod */
	unsigned int timeout;                 /* seconds; 0: not written */
	struct step_user user;                /* run, run_dir */
	struct list environment;              /* run: NAME=VALUE, complete (PATH included) */
	const char *input;                    /* run: stdin; NULL: /dev/null */
	unsigned char ok_exit_codes[256 / 8]; /* run: bit set */
	const char *working_dir;              /* run; NULL: "/" */
	const char *match;                    /* run_dir: glob; NULL: every executable */
};
