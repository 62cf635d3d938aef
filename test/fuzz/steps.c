/*
 * Any bytes as the value of `setup`, or as a config of which only that counts: every verb and option. What must hold
 * is in world_steps.c: paths without "..", modes within 07777, keys of sysctl below /proc/sys, what each verb needs.
 */
#include <string.h>

#include "explain_parts.h"
#include "fuzz.h"
#include "plan_parts.h"
#include "world.h"

/* NODE as the steps of PLAN; true if there is nothing wrong with them. */
static bool read_steps(struct plan *plan, const char *text, size_t length)
{
	static const char environment[] = "PATH=/bin\nA=a\nEMPTY=\nDIR=/data\nID=1000\nMODE=0640\n";

	memset(plan, 0, sizeof(*plan));
	world_begin(text, length);
	world_start(&plan->start, false);
	plan->run_setup = true;
	plan->file = WORLD_CONFIG;
	environ_start(&plan->env, &plan->problems, fuzz_lines(&plan->problems.mem, environment));
	plan->workload = (struct privileges){.uid = 1234, .gid = 1234};
	list_add(&plan->problems.mem, &plan->argv, "/bin/server");
	plan_accounts(plan, NULL, NULL);
	const struct node *root = yaml_read_flawed(&plan->problems, WORLD_CONFIG, text, length);
	const struct node *setup = root ? yaml_get(root, "setup") : NULL;
	if (root)
		plan_steps(plan, setup ? setup : root);
	FUZZ_HOLDS((plan->problems.count == 0) == !*world_problems());
	return plan->problems.count == 0 && !plan->refused;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct plan plan, again;
	static struct explanation explained;
	struct mem mem = {0};
	const char *text = mem_copy(&mem, (const char *)bytes, length);

	bool accepted = read_steps(&plan, text, length);
	const char *said = mem_text(&mem, world_problems());
	FUZZ_HOLDS(read_steps(&again, text, length) == accepted);
	FUZZ_HOLDS(strcmp(said, world_problems()) == 0);
	if (accepted) {
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
