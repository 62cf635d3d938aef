/*
 * What a step of chown or chmod names, whole trees included.
 */
#pragma once

struct change;

/* Carries CHANGE out on every path of its step. */
void change_run(struct change *change);
