/*
 * The setup steps: one file per verb, one table. A verb acts with *at() calls on descriptors from walk.h. It parses
 * nothing: the plan is complete.
 */
#pragma once

#include <stdbool.h>

#include "steps/setup.h"
#include "steps/verb.h"

extern const struct verb *const verb_table[]; /* ends with NULL */

/* Runs accounts and steps in order. Ends the process with 111 if one fails whose on_error is `fail`. */
void setup_run(const struct plan *plan);

/* Do all conditions of the step hold now? Also false if one could not be evaluated and on_error lets the run go on. */
[[nodiscard]] bool setup_conditions(struct setup *setup, const struct condition *conditions);

/* Puts the entries of plan->wishes into passwd and group. */
void setup_accounts(struct setup *setup);
