/*
 * Any bytes as the value of `setup`, or as a config of which only that counts: every verb and option. What must hold
 * is in world_steps.c: paths without "..", modes within 07777, keys of sysctl below /proc/sys, what each verb needs.
 */
#include <stdio.h>
#include <string.h>

#include "config/parts.h"
#include "explain/parts.h"
#include "fuzz.h"
#include "mutate.h"
#include "steps/steps.h"
#include "world.h"

/* NODE as the steps of PLAN; true if there is nothing wrong with them. */
static bool read_steps(struct plan *plan, const char *text, size_t length)
{
	static const char environment[] = "PATH=/bin\nA=a\nON=yes\nEMPTY=\nDIR=/data\nID=1000\nMODE=0640\n";

	memset(plan, 0, sizeof(*plan));
	world_begin(text, length);
	world_start(&plan->start, false);
	plan->run_setup = true;
	plan->file = WORLD_CONFIG;
	plan->mem = &plan->problems.mem;
	environ_start(&plan->env, &plan->problems, fuzz_lines(&plan->problems.mem, environment));
	plan->workload = (struct privileges){.uid = 1234, .gid = 1234};
	list_add(&plan->problems.mem, &plan->argv, "/bin/server");
	config_accounts(plan, NULL, NULL);
	const struct node *root = yaml_read_flawed(&plan->problems, WORLD_CONFIG, text, length);
	const struct node *setup = root ? yaml_get(root, "setup") : NULL;
	if (root)
		config_steps(plan, setup ? setup : root, NULL);
	FUZZ_HOLDS((plan->problems.count == 0) == !*world_problems());
	return plan->problems.count == 0 && !plan->refused;
}

/*
 * Each verb has a seed of its name, with every option that it has. All of these must be accepted, or nothing that is
 * asserted of accepted steps means anything.
 */
static void check_seeds(struct plan *plan)
{
	static bool checked;
	char name[4096], text[4096];

	for (const struct verb *const *verb = verb_table; *verb && !checked; verb++) {
		snprintf(name, sizeof(name), "%s/../corpus/steps/%s.yaml", FUZZ_WORLD, (*verb)->name);
		FILE *seed = fopen(name, "r");
		size_t length = seed ? fread(text, 1, sizeof(text), seed) : 0;
		if (seed)
			fclose(seed);
		if (!read_steps(plan, text, length) || plan->nsteps == 0)
			fuzz_fail("%s is not accepted: %s", name, world_problems());
		for (size_t i = 0; i < plan->nsteps; i++)
			FUZZ_HOLDS(plan->steps[i].verb == *verb && !plan->steps[i].skipped);
		mem_release(&plan->problems.mem);
	}
	checked = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct plan plan, again;
	static struct explanation explained;
	struct mem mem = {0};
	const char *text = mem_copy(&mem, (const char *)bytes, length);

	check_seeds(&plan);
	bool accepted = read_steps(&plan, text, length);
	const char *said = mem_text(&mem, world_problems());
	FUZZ_HOLDS(read_steps(&again, text, length) == accepted);
	FUZZ_HOLDS(strcmp(said, world_problems()) == 0);
	if (accepted) {
		mutate_keep(bytes, length);
		world_check_steps(&plan);
		FUZZ_HOLDS(strcmp(world_dump(&plan), world_dump(&again)) == 0);
		memset(&explained, 0, sizeof(explained));
		explain_needs(&plan, &explained);
	}
	mem_release(&again.problems.mem);
	mem_release(&plan.problems.mem);
	mem_release(&mem);
	return 0;
}
