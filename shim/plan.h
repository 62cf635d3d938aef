/*
 * The plan: what a config means on this machine, resolved and checked before anything is done. The one type that the
 * modules share. Everything in it is in the memory of its problems and does not change after plan_read().
 */
#ifndef CAPSHIM_PLAN_H
#define CAPSHIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "accounts.h"
#include "diag.h"
#include "drop.h"
#include "environ.h"
#include "filter.h"
#include "start.h"

#define PLAN_LIMITS 16 /* RLIM_NLIMITS of getrlimit(2) */
#define PLAN_UNLIMITED UINT64_MAX

enum plan_mode { PLAN_RUN, PLAN_CHECK, PLAN_EXPLAIN };
enum plan_command { COMMAND_RUN, COMMAND_NONE, COMMAND_PAUSE };
enum plan_nonroot { NONROOT_SKIP_SETUP, NONROOT_TRY_SETUP, NONROOT_REFUSE };
enum plan_stdio { STDIO_AUTO, STDIO_TRUE, STDIO_FALSE };
enum plan_report { REPORT_NONE, REPORT_TEXT, REPORT_JSON };
enum plan_imports { IMPORTS_NONE, IMPORTS_BELOW, IMPORTS_ANY }; /* file_environment: which files it may read */
enum plan_target { TARGET_PROCESS, TARGET_GROUP };
enum plan_on_error { ON_ERROR_FAIL, ON_ERROR_WARN, ON_ERROR_IGNORE };

struct plan_limit {
	bool set;
	bool soft_set, hard_set;
	uint64_t soft, hard; /* units of getrlimit(2); PLAN_UNLIMITED is RLIM_INFINITY */
};

struct plan_umask {
	bool set;         /* false: inherit */
	bool conditional; /* only where the inherited one equals FROM */
	mode_t from, to;
};

#define INIT_IGNORE (-1) /* in signal_map: do not forward */
#define INIT_NO_GRACE (-1)

struct plan_init {
	bool on;
	enum plan_target signal_target;
	signed char signal_map[START_SIGNALS + 1]; /* [n]: what signal n is forwarded as; n itself, or INIT_IGNORE */
	unsigned char exit_code_map[256];          /* [status]: what to exit with */
	bool wait_all;
	uint64_t stop_signals;  /* START_SIGNAL_BIT: these ask the workload to stop, and begin the grace */
	int stop_grace_seconds; /* INIT_NO_GRACE: wait for ever */
};

/* One condition of `when` or `unless`. */
enum condition_kind { WHEN_EXISTS, WHEN_EMPTY, WHEN_MOUNTPOINT, WHEN_CAP, WHEN_SUCCEEDS };

struct condition {
	struct condition *next;
	enum condition_kind kind;
	bool negate;      /* it stands under `unless` */
	const char *path; /* exists, empty, mountpoint */
	int capability;   /* cap */
	struct list argv; /* succeeds */
};

/* A user and a group to own something: ACCOUNTS_NO_ID leaves that one as it is. */
struct owner {
	uint32_t uid, gid;
};

/*
 * A mode: either octal bits, or the clauses of chmod(1)'s symbolic form.
 * For each clause: WHO is a mask of the bits it speaks of (0700 0070 0007, with 04000 02000 01000 as they apply).
 */
struct mode_clause {
	mode_t who;         /* u g o a as bits 07777 that may change */
	char operation;     /* '+', '-' or '=' */
	mode_t bits;        /* rwxst, already in the places of WHO */
	bool conditional_x; /* X: execute only for directories and where some execute bit is set */
};

struct mode_change {
	bool set;
	bool octal;
	mode_t bits;                 /* octal */
	struct mode_clause *clauses; /* symbolic */
	size_t nclauses;
};

/* How `run` narrows a program: the same drop and proof as the workload's. */
struct step_user {
	bool narrowed; /* user or cap_add is written: otherwise the program runs as capshim does */
	struct privileges want;
	const char *home, *name; /* of passwd; NULL where there is none */
};

enum change_policy { CHANGE_ALWAYS, CHANGE_ON_ROOT_MISMATCH };
enum hardlinks { HARDLINKS_SKIP, HARDLINKS_REFUSE, HARDLINKS_FOLLOW };
enum if_exists { IF_EXISTS_REPLACE, IF_EXISTS_KEEP, IF_EXISTS_APPEND_MISSING };

struct verb; /* steps/steps.h */

/* One step of `setup`. Which members a verb uses is in its row of the verb table. */
struct step {
	const struct verb *verb;
	unsigned int line, column;
	bool skipped;                 /* a condition on the environment or the command excludes it */
	struct condition *conditions; /* those that are asked when its turn has come */
	enum plan_on_error on_error;

	struct list items; /* the verb's own value: paths, argv, or for sysctl KEY=VALUE pairs */
	bool mode_written, owner_written;
	mode_t mode; /* octal modes: mkdir, write, copy, template, mknod */
	struct owner owner;
	struct mode_change change;              /* chmod: mode */
	struct mode_change file_mode, dir_mode; /* chmod */
	bool as_workload;                       /* mkdir: as: workload */
	bool recursive, cross_mounts, force, only_if_empty, nonempty, bare;
	bool only_if_exists; /* chown, chmod: `if_exists: true`, a missing path is fine */
	enum change_policy change_policy;
	enum hardlinks hardlinks;
	enum if_exists if_exists;  /* write, copy */
	struct list exclude;       /* globs on base names */
	const char *content;       /* write */
	const char *to;            /* copy, template */
	const char *target;        /* symlink */
	const char *suffix;        /* template */
	struct list variables;     /* template; empty: all that exist */
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

struct plan {
	struct problems problems;
	enum plan_mode mode;
	const char *file; /* the config's name */
	struct start start;
	struct accounts accounts;
	struct environment env; /* complete, before unset_environment */
	enum plan_imports imports;

	bool nonroot;                 /* started without uid 0 */
	const char *refused;          /* why this start cannot reach what the config asks for (status 111), or NULL */
	struct privileges workload;   /* what the workload holds */
	struct privileges init_holds; /* what a PID 1 that stays holds: the same without any capability */
	uint64_t optional;            /* cap_add_optional alone: kept where the container has it */
	const char *user_name, *home; /* of passwd; NULL where there is no entry */
	bool allow_root;

	struct account_wish *wishes; /* accounts that apply */
	size_t nwishes;
	bool run_setup; /* accounts and steps run: false for setup_for, setup_unless_args, skip_setup */
	bool try_setup; /* on_nonroot: try_setup: EPERM, EACCES and EROFS are warnings */
	struct step *steps;
	size_t nsteps;

	enum plan_command command;
	struct list argv;        /* the workload's, complete */
	struct list unset;       /* unset_environment: names and globs */
	const char *working_dir; /* NULL: as inherited */
	struct plan_umask umask;
	struct plan_limit limits[PLAN_LIMITS]; /* [RLIMIT_…] */
	bool oom_score_adj_set;
	int oom_score_adj;
	enum plan_stdio own_stdio;
	bool new_session;
	uint64_t keep_fds[16]; /* bit set of descriptors 0..1023: 0-2, and keep_fds */
	bool listen_fds;       /* keep_fds has the word: those of LISTEN_FDS are in the set */
	struct filter filter;
	const struct node *profile; /* its tree; NULL for a compiled one */
	struct plan_init init;
	enum plan_report report;
	bool trace;
};

/*
 * Reads the config FILE and makes the plan for ARGV (the words behind the options, maybe none) and ENVP. Acts on
 * nothing. All problems are in plan->problems; a plan with problems must not be acted on.
 */
void plan_read(struct plan *plan, enum plan_mode mode, const char *file, char **argv, char **envp);

/*
 * Ends the process where the plan must not be acted on: 100 with every problem of the config, or 111 where the start
 * cannot reach what the config asks for.
 */
void plan_must_hold(const struct plan *plan);

/*
 * --check: says every problem, or that there is none. --explain: the plan in plain words, or as JSON. Both return a
 * status, and pass over what only a start can decide.
 */
int plan_check(struct plan *plan);
int plan_explain(struct plan *plan, bool json);

/* --explain-syscall: what the filter answers to the call NAME, and which rules decide. Returns a status. */
int plan_explain_syscall(struct plan *plan, const char *name);

/* --compile-seccomp, for the capabilities that the config FILE keeps (NULL: none). Returns a status. */
int plan_compile_seccomp(struct plan *plan, const char *file, const char *in, const char *out);

#endif
