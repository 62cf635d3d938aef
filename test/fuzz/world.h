/*
 * The machine that a plan sees while it is fuzzed: test/fuzz/world is its "/", and nothing is changed in it. The seam is
 * in the linker (--wrap, see fuzz.mk): shim/ is as it is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "plan.h"

#define WORLD_CONFIG "/config.yaml"

/* The bytes of WORLD_CONFIG, and an empty record of what is said. */
void world_begin(const char *bytes, size_t length);

/*
 * What was said since: every problem, a line each; and what went to standard output. Each problem was looked at: it has
 * words, and a place inside the config.
 */
const char *world_problems(void);
const char *world_output(void);

/* What problems_say() would write: every line is whole and holds nothing that a terminal acts on. */
void world_check_messages(const struct problems *problems);

/* A start as root in Docker, or (NONROOT) one without any privilege. */
void world_start(struct start *start, bool nonroot);

/* Makes a plan of WORLD_CONFIG, started with ENVP, and looks at what must hold of every plan. True: it is accepted. */
bool world_plan(struct plan *plan, enum plan_mode mode, bool nonroot, char **envp);

/* All that PLAN says, as text; in the memory of its problems. */
const char *world_dump(struct plan *plan);

/* Looks at what must hold of the steps of an accepted plan. */
void world_check_steps(const struct plan *plan);
