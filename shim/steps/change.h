/*
 * What chown and chmod share: finding what a step names, walking it where it is recursive, and changing what differs
 * on a descriptor after looking at it once more.
 */
#ifndef CAPSHIM_CHANGE_H
#define CAPSHIM_CHANGE_H

#include "../walk.h"
#include "steps.h"

/* What is about to be changed, held by a descriptor. */
struct held {
	int fd;     /* O_PATH, or a directory open for reading; -1: NAME in a directory that is root's alone */
	int parent; /* where it was found; -1 and NULL for a directory that is the top */
	const char *name;
	const char *path; /* for messages */
	struct walk_stat now;
};

struct change {
	struct setup *setup;
	const struct step *step;
	const char *verb;
	int cap; /* that the change needs */
	/* Is this not yet as the step wants it? */
	bool (*differs)(const struct change *change, const struct walk_stat *now);
	/* Changes it: 0, or -1 with errno. */
	int (*apply)(struct change *change, const struct held *held);
	bool by_name;       /* apply() can do without a descriptor */
	bool always;        /* differs() cannot be relied on: apply() to everything */
	struct owner owner; /* chown */
	uint64_t cleared;   /* chown: files that lost set-id bits */
	uint64_t links;     /* hard links passed over */
};

/* Is this not yet as the step wants it, or can that not be known? */
bool change_is_due(const struct change *change, const struct walk_stat *now);

/* Changes what is held, if it is due and is no hard link; counts it, and reports a failure. True: it was changed. */
bool change_held(struct change *change, const struct held *held);

/* Reports that PATH could not be changed. */
void change_failed(struct change *change, const char *path, int err);

/* change_held() for everything in the directory TOP (O_PATH), the top last. */
void change_tree(struct change *change, int top, const char *path);

/* Carries CHANGE out on every path of its step. */
void change_run(struct change *change);

#define KEEP_MODE ((mode_t)-1)

/*
 * Gives an object that a step names this mode (KEEP_MODE: as it is) and these owners (ACCOUNTS_NO_ID: as it is) where
 * they differ, reads them back, and counts it: as changed in any case where the step MADE it just now.
 */
void change_settle(struct setup *setup, const struct held *held, mode_t mode, const struct owner *owner, bool made);

/* The checks of verb_table. */
void mkdir_check(const struct step *step, struct problems *problems, const struct node *node);
void chown_check(const struct step *step, struct problems *problems, const struct node *node);
void chmod_check(const struct step *step, struct problems *problems, const struct node *node);
void remove_check(const struct step *step, struct problems *problems, const struct node *node);
void mknod_check(const struct step *step, struct problems *problems, const struct node *node);

/* Does this one need other owners? */
bool owner_differs(const struct owner *owner, const struct walk_stat *now);

/* fchownat(2) of what is held, and only of the id that differs. */
int owner_apply(const struct owner *owner, const struct held *held, bool always) __attribute__((warn_unused_result));

/*
 * Can an id that reads as OWNER's be another one that the user namespace does not map? It then shows as the overflow
 * id, user_namespaces(7), and is never "already right".
 */
bool owner_is_ambiguous(const struct owner *owner);

#endif
