/*
 * The plan: what a config means on this machine, resolved and checked before anything is done. The one type that all
 * modules share. Everything in it belongs to the memory of its problems, and does not change after config_read(), except
 * start.dropped: init_fork() notes there what it has dropped from the bounding set.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/start.h"
#include "filter/filter.h"
#include "input/accounts.h"
#include "input/environ.h"
#include "privilege/privileges.h"

#define PLAN_LIMITS 16 /* RLIM_NLIMITS of getrlimit(2) */
#define PLAN_UNLIMITED UINT64_MAX

/* The first three describe this start exactly; the others skip what only a start can decide. */
enum plan_mode { PLAN_RUN, PLAN_AS_WORKLOAD, PLAN_VERIFY, PLAN_CHECK, PLAN_EXPLAIN };
enum plan_command { COMMAND_RUN, COMMAND_NONE, COMMAND_PAUSE };
enum plan_nonroot { NONROOT_SKIP_SETUP, NONROOT_TRY_SETUP, NONROOT_REFUSE };
enum plan_stdio { STDIO_AUTO, STDIO_TRUE, STDIO_FALSE };
enum plan_report { REPORT_NONE, REPORT_TEXT, REPORT_JSON };
enum plan_imports { IMPORTS_NONE, IMPORTS_BELOW, IMPORTS_ANY }; /* which files file_environment may read */
enum plan_target { TARGET_PROCESS, TARGET_GROUP };

struct plan_limit {
	bool soft_set, hard_set;
	uint64_t soft, hard; /* in units of getrlimit(2); PLAN_UNLIMITED is RLIM_INFINITY */
};

struct plan_umask {
	bool set;         /* false: the umask is inherited */
	bool conditional; /* only if the inherited umask equals FROM */
	mode_t from, to;
};

#define INIT_IGNORE (-1) /* in signal_map: do not forward */
#define INIT_NO_GRACE (-1)

struct plan_init {
	bool on;
	enum plan_target signal_target;
	signed char
		signal_map[START_SIGNALS + 1]; /* [n]: the signal that n is forwarded as; n itself, or INIT_IGNORE */
	unsigned char exit_code_map[256];      /* [status]: the exit status to use instead */
	bool wait_all;
	uint64_t stop_signals;  /* START_SIGNAL_BIT of each signal that asks the workload to stop */
	int stop_grace_seconds; /* INIT_NO_GRACE: wait forever */
};

struct step; /* steps/step.h */

struct plan {
	struct mem *mem; /* the memory of the problems, set by config_read(), for everything that the plan points to */
	struct problems problems;
	enum plan_mode mode;
	bool unused;      /* the value that is being read must be valid, but its references are not expanded */
	const char *file; /* name of the config file */
	const struct node *options; /* NULL, or the options that replace a file */
	bool file_named;            /* with -c: not the file of the image */
	struct start start;
	struct accounts accounts;
	struct environment env; /* complete, before unset_environment */
	enum plan_imports imports;

	bool nonroot;                 /* the start has no uid 0 */
	bool ids_any;                 /* on_nonroot: {ids: any} */
	bool root_only;               /* on_nonroot refuses other starts, or supplementary_groups names groups */
	bool ids_taken;               /* the workload's ids are those of the start, not those that the config names */
	bool setup_skipped;           /* a start without root skips accounts and steps: */
	size_t steps_skipped;         /* this many steps */
	const char *refused;          /* why this start cannot reach what the config asks for (status 111), or NULL */
	struct privileges workload;   /* what the workload must hold */
	struct privileges init_holds; /* what a PID 1 that stays must hold: the same without capabilities */
	uint64_t optional;            /* cap_add_optional only: kept if the container has it */
	const char *user_name, *home; /* from passwd; NULL without an entry */
	bool no_workload;             /* no user is written, and nothing is executed */
	unsigned int group_chosen;    /* line of the config by which a variable chooses the workload's gid, or 0 */
	bool allow_root;

	struct account_wish *wishes; /* the accounts that apply */
	size_t nwishes;
	bool run_setup; /* run accounts and steps: false after setup_for, setup_unless_args, skip_setup */
	bool try_setup; /* on_nonroot: try_setup: EPERM, EACCES and EROFS become warnings */
	struct step *steps;
	size_t nsteps;

	enum plan_command command;
	struct list argv;        /* complete command line of the workload */
	const char *name;        /* last component of the command, without entrypoint; NULL: not determined yet */
	struct list unset;       /* unset_environment: names and globs */
	const char *working_dir; /* NULL: inherited */
	struct plan_umask umask;
	struct plan_limit limits[PLAN_LIMITS]; /* [RLIMIT_…] */
	bool oom_score_adj_set;
	int oom_score_adj;
	enum plan_stdio own_stdio;
	bool new_session;
	uint64_t keep_fds[16]; /* bit set of descriptors 3..1023; 0-2 stay open anyway */
	bool listen_fds;       /* keep_fds contains listen_fds: the set includes those of LISTEN_FDS */
	struct filter filter;
	struct filter_changes filter_changes;
	const struct node *profile; /* the profile's tree; NULL for a compiled one */
	struct plan_init init;
	bool behind_init; /* PLAN_AS_WORKLOAD and PLAN_VERIFY: the workload is a child of capshim's init */
	enum plan_report report;
	bool trace;
};
