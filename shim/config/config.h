/*
 * From the config to the plan: reads and resolves everything, acts on nothing.
 */
#pragma once

#include "plan.h"
#include "steps/step.h"

/*
 * Reads the config FILE and makes the plan for ARGV (the words after the options, may be empty) and ENVP. Acts on
 * nothing. All problems are in plan->problems; a plan with problems must not be acted on.
 */
void config_read(struct plan *plan, enum plan_mode mode, const char *file, char **argv, char **envp);

/*
 * Ends the process if the plan must not be acted on: with 100 and every problem of the config, or with 111 if the
 * start cannot reach what the config asks for.
 */
void config_must_hold(const struct plan *plan);

/* --compile-seccomp, for the capabilities that the config FILE keeps (NULL: none). Returns a status. */
int config_compile_seccomp(struct plan *plan, const char *file, const char *in, const char *out);

/* What `init` means here, on one line for --explain; in the memory of the plan. */
const char *config_init_explained(struct plan *plan);

/* The PATH in which the workload's program is looked up: that of its environment, or the default. */
const char *config_search_path(const struct plan *plan);

/* Does a CONDITION run a program below DIRECTORY? With AS_ROOT only as root, and it may be DIRECTORY itself. */
bool config_conditions_run(const struct condition *condition, const char *directory, bool as_root);

/* Everything that a filter depends on: this machine, and what the plan keeps. */
struct filter_target config_filter_target(const struct plan *plan);
