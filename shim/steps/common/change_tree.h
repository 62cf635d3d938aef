/*
 * What a step of chown or chmod names, whole trees included.
 */
#ifndef CAPSHIM_STEPS_COMMON_CHANGE_TREE_H
#define CAPSHIM_STEPS_COMMON_CHANGE_TREE_H

struct change;

/* Carries CHANGE out on every path of its step. */
void change_run(struct change *change);

#endif
