/*
 * Shared by the files of config/: turning nodes into values. Every function that can fail adds a problem at the node
 * and returns false or NULL; the caller goes on, so that one run reports all problems. Each file calls those before it:
 * values, accounts, seccomp, identity, conditions; then wishes, command, process, init, steps; config calls all.
 */
#pragma once

#include "base/nearest.h"
#include "plan.h"
#include "steps/step.h"

/* yaml_problem() in the plan. */
#define value_problem(plan, ...) yaml_problem(&(plan)->problems, __VA_ARGS__)

/* Reads the value of a key and fills in TO. */
typedef void key_reader(struct plan *plan, const struct node *node, void *to);

/* One row of a key table; the table ends with a row whose name is NULL. */
struct key {
	const char *name;
	key_reader *read;
	size_t offset; /* of what READ fills in, in what the table fills in */
};

/* Readers for a bool, a path (const char *), and texts (struct list). */
key_reader key_bool, key_pathname, key_texts;

/* Reads MAP by TABLE, in the order of the table, as value_known() does. */
bool value_map(struct plan *plan, const struct node *map, const struct key *table, void *to);

/* EXAMPLE continues the problem "must be a mapping". */
bool value_is_map(struct plan *plan, const struct node *node, const char *example);

/*
 * MAP must be a mapping whose keys are all in TABLE: rows of SIZE bytes that begin with a name; a NULL name ends them. An
 * unknown key is a problem that names the nearest known one. False: it is no mapping.
 */
bool value_known(struct plan *plan, const struct node *map, const void *table, size_t size);

/* The same with NAMES(…). */
bool value_keys(struct plan *plan, const struct node *map, const char *const *names);
void value_unknown(struct plan *plan, const struct node *key, const char *what, const char *nearest);

/* The row of KEY in such a table. NULL: a problem was added that calls KEY an unknown WHAT. */
const void *value_row(struct plan *plan, const struct node *key, const char *what, const void *table, size_t size);

/* The text of a scalar: value_text() expands ${…}; value_fixed() refuses ${, which would choose privileges. */
const char *value_text(struct plan *plan, const struct node *node);
const char *value_fixed(struct plan *plan, const struct node *node);

bool value_bool(struct plan *plan, const struct node *node, bool *to);
bool value_number(struct plan *plan, const struct node *node, long long min, long long max, long long *to);
bool value_octal(struct plan *plan, const struct node *node, const char *example,
		 mode_t *to);                                                     /* 0…07777, starts with 0 */
bool value_seconds(struct plan *plan, const struct node *node, unsigned int *to); /* 90, 90s, 5m, 1h; fits an int */
const char *value_path(struct plan *plan, const struct node *node);               /* absolute, no . or .. components */
const char *value_target(struct plan *plan, const struct node *node); /* the same; a trailing / means a directory */
const char *value_fixed_path(struct plan *plan, const struct node *node);
const char *value_variable(struct plan *plan, const struct node *node); /* the name of one, or a glob */

/* One of NAMES(…): returns its position; 0 if it is none of them, or NODE is NULL. */
unsigned int value_word(struct plan *plan, const struct node *node, const char *const *words);
unsigned int value_fixed_word(struct plan *plan, const struct node *node, const char *const *words);

/* A list, or one item in its place. READ turns each node into text (value_text, value_fixed, value_path). */
bool value_list(struct plan *plan, const struct node *node, const char *(*read)(struct plan *, const struct node *),
		struct list *to);

/* Program and arguments: a list, or one word. The name of a program that runs as root must be written out. */
bool value_argv(struct plan *plan, const struct node *node, struct list *to);
bool value_program(struct plan *plan, const struct node *node, struct list *to);

/* Calls EACH for every item of a list, or for a single item in its place. */
void value_each(struct plan *plan, const struct node *node, key_reader *each, void *to);

/*
 * Iterates over the entries of a map, or the items of a list, or a single value in its place, as yaml_item() does. An entry
 * of OF is turned into text KEY=VALUE; NULL: a problem was added.
 */
const struct node *value_entry(const struct node *of, const struct node *before);
char *value_pair(struct plan *plan, const struct node *of, const struct node *entry);

/* The text of all entries. An item without a KEY is a problem. BUT: an entry that is read elsewhere, or NULL. */
bool value_pairs(struct plan *plan, const struct node *node, const struct node *but, struct list *to);

/* One capability, or a list: adds its bit, or their bits, to the uint64_t TO. */
key_reader value_capability, value_capabilities;

/* accounts.c: users and groups by name or id. False or NULL: a problem was added at the node. */

/* A user and its group, as the config names them. */
struct identity {
	uint32_t uid, gid;
	const char *name, *home; /* from passwd; NULL without an entry */
	bool group_written;
};

/* "TEXT is not a KIND id". */
bool account_bad_id(struct plan *plan, const struct node *node, const char *kind, const char *text);

/* The part of TEXT before the colon; *REST is the part after it, or NULL. */
const char *account_half(struct plan *plan, const char *text, const char **rest);

/* Reads the users of the passwd file. */
void account_users(struct plan *plan);

/* Something that decides privileges needs passwd. False: it may not be believed, which is a problem from now on. */
bool account_users_known(struct plan *plan);

/* The groups of the group file, which is read when a group is first needed. */
const struct account *account_groups(struct plan *plan);

/* A name of passwd, or an id. *ENTRY is NULL without an entry. */
bool account_find_user(struct plan *plan, const struct node *node, const char *text, uint32_t *uid,
		       const struct account **entry);
bool account_find_group(struct plan *plan, const struct node *node, const char *text, uint32_t *gid);

/* NAME, UID, NAME:GROUP or UID:GROUP. */
bool account_find_identity(struct plan *plan, const struct node *node, const char *text, struct identity *to);

/* What the readers of the config's own keys get as TO. */
struct config_root {
	const struct node *node;
	size_t before;        /* the number of problems when the command line was begun */
	struct identity user; /* as written */
	bool prefixed;        /* a rule of command_prefix has matched */
};
key_reader config_command, config_prefix, config_setup_for, config_setup_unless_args, config_suffix, config_entrypoint,
	config_accounts, config_user, config_groups, config_seccomp, config_ulimits, config_umask, config_oom_score_adj,
	config_own_stdio, config_keep_fd, config_report, config_init, config_steps;

/* returned.c: a problem at NODE, the last step, if it returns to others what earlier steps have made root's and used. */
void config_returned(struct plan *plan, const struct node *node);

/* How many steps SETUP (the value of the key) has, those of groups included. */
size_t config_count_steps(const struct node *setup);

/* The workload as the owner. False, and a problem, where there is none. */
bool config_owner_workload(struct plan *plan, const struct node *node, struct owner *to);

/* Is the plan for a process started beside the workload, which keeps nothing of the container's start? */
static inline bool config_is_beside(const struct plan *plan)
{
	return plan->mode == PLAN_AS_WORKLOAD || plan->mode == PLAN_VERIFY;
}

/* identity.c */
bool config_owner(struct plan *plan, const struct node *node, struct owner *to);
void config_step_user(struct plan *plan, const struct node *step, struct step_user *to); /* user, cap_add, seccomp */

/* seccomp.c; NODE may be NULL. */
void config_step_seccomp(struct plan *plan, const struct node *node, struct step_user *to);

/*
 * command.c: what can be known about the program before anything is done. Reads the file capabilities of argv[0], if
 * its path is known (or of the first match in the workload's PATH), and of its #! interpreters. Adds a problem if the
 * kept set would be lost or execve(2) would answer EPERM.
 */
void config_look_up(struct plan *plan);

/* conditions.c: a program whose exit status is a condition: its argv, or {run, user, cap_add}. */
const struct step *config_program(struct plan *plan, const struct node *node);

/*
 * False: the entry is excluded. CONDITIONS receives those that are evaluated when the step's turn comes;
 * NULL: there must be none.
 */
bool config_when(struct plan *plan, const struct node *map, struct condition **conditions);
const char *config_command_name(const struct plan *plan); /* last component of the command */
