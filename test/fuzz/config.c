/*
 * Any bytes as a config: from YAML to the plan of a start and to --explain. Lines "# env: NAME=VALUE" in them are the
 * start environment, as in test/golden; "# start: user" is a start without root. What must hold:
 *
 * - refused is who has a problem, with words and a place; nothing ends the process;
 * - the same bytes make the same plan and the same messages, twice;
 * - what the environment holds decides nothing about privileges: with other values there is either a refusal, or the same
 *   capabilities, filter, root's user and group only where they are written, the same programs of root and mounts;
 * - --explain=json is JSON, by the letter, and says what the plan does.
 */
#include <stdlib.h>
#include <string.h>

#include "explain/parts.h"
#include "fuzz.h"
#include "json.h"
#include "mutate.h"
#include "steps/step.h"
#include "steps/verb.h"
#include "world.h"

#define MOST 16384 /* bytes; libFuzzer's own limit is lower */

static const char *const others[] = {"",  "SYS_ADMIN", "0",    "unconfined", "0:0",         "root",
				     "1", "true",      "auto", "4242:4242",  "/etc/passwd", "$${X} ${X}"};

/* The start environment of a config, and (ODD) the same names with other values. */
static char **environment(struct mem *mem, const char *text, bool odd)
{
	static const char mark[] = "# env: ";
	struct list vars = {0};
	size_t n = strlen(text);

	list_add(mem, &vars, "PATH=/usr/bin:/bin");
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, mark, strlen(mark)) != 0)
			continue;
		const char *entry = mem_copy(mem, line + strlen(mark), strcspn(line, "\n") - strlen(mark));
		const char *other = others[n++ % (sizeof(others) / sizeof(*others))];
		if (odd)
			entry = mem_format(mem, "%.*s=%s", (int)strcspn(entry, "="), entry, other);
		list_add(mem, &vars, entry);
	}
	return vars.items;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void check_same_step(const struct step *a, const struct step *b)
{
	FUZZ_HOLDS(a->verb == b->verb && a->on_error == b->on_error);
	if (a->skipped || b->skipped)
		return;
	FUZZ_HOLDS(a->user.want.keep == b->user.want.keep && a->user.narrowed == b->user.narrowed);
	FUZZ_HOLDS(a->hardlinks == b->hardlinks);
	FUZZ_HOLDS(same_text(a->source, b->source));
	FUZZ_HOLDS(strcmp(a->verb->name, "mount") != 0 || same_text(a->type, b->type));
	FUZZ_HOLDS(a->mount_options.count == b->mount_options.count);
	for (size_t i = 0; i < a->mount_options.count; i++)
		FUZZ_HOLDS(same_text(a->mount_options.items[i], b->mount_options.items[i]));
	FUZZ_HOLDS(a->verb->value != VERB_ARGV || same_text(a->items.items[0], b->items.items[0]));
	const struct condition *other = b->conditions;
	for (const struct condition *c = a->conditions; c; c = c->next, other = other->next) {
		FUZZ_HOLDS(other && c->kind == other->kind && c->negate == other->negate);
		FUZZ_HOLDS(c->capability == other->capability);
		FUZZ_HOLDS(c->kind != WHEN_SUCCEEDS ||
			   same_text(c->program->items.items[0], other->program->items.items[0]));
	}
}

static void check_same_privileges(const struct plan *a, const struct plan *b)
{
	FUZZ_HOLDS(a->workload.keep == b->workload.keep && a->optional == b->optional);
	FUZZ_HOLDS(a->allow_root == b->allow_root);
	FUZZ_HOLDS(a->filter.count == b->filter.count && a->filter.flags == b->filter.flags);
	FUZZ_HOLDS(!a->filter.code == !b->filter.code);
	FUZZ_HOLDS(!a->filter.code ||
		   memcmp(a->filter.code, b->filter.code, a->filter.count * sizeof(*a->filter.code)) == 0);
	for (size_t i = 0; i < a->nsteps && a->nsteps == b->nsteps; i++)
		check_same_step(&a->steps[i], &b->steps[i]);
}

static bool is_utf8(const char *text)
{
	struct problems problems = {0};
	const char *quoted = mem_format(&problems.mem, "# %s\n", text);
	bool good = yaml_read(&problems, "text", quoted, strlen(quoted)) != NULL;

	mem_release(&problems.mem);
	return good;
}

/* Arguments from the environment may have any bytes, and what they say is then not looked at. */
static void check_explanation(struct plan *plan)
{
	static struct explanation explained;
	static struct problems problems;

	memset(&explained, 0, sizeof(explained));
	explain_needs(plan, &explained);
	explain_json(plan, &explained);
	const char *json = world_output();
	FUZZ_HOLDS(json_is(json));
	if (!is_utf8(json))
		return;
	const struct node *node = yaml_read(&problems, "explain", json, strlen(json));
	FUZZ_HOLDS(node && node->kind == NODE_MAP);
	const struct node *args = yaml_get(node, "args");
	FUZZ_HOLDS(args && args->kind == NODE_LIST && args->count == plan->argv.count);
	size_t i = 0;
	for (const struct node *n = args->first; n; n = n->next)
		FUZZ_HOLDS(strcmp(n->text, plan->argv.items[i++]) == 0);
	mem_release(&problems.mem);
	memset(&problems, 0, sizeof(problems));
}

/* What is JSON, and what only YAML takes. */
static void check_json(void)
{
	static const char *const wrong[] = {"",     "{a:1}",     "[1,]",      "{\"a\":1,}", "[,1]",  "[01]",
					    "[1.]", "'a'",       "{\"a\" 1}", "[1 2]",      "[1",    "[\"\t\"]",
					    "[1}",  "[\"\\x\"]", "{\"a\"}",   "[tru]",      "[] []", "[\"\\u00g0\"]"};

	FUZZ_HOLDS(json_is(" {\"a\": [1, -0.5e+3, \"\\u00e9\\n\\\"\", true, false, null, {}, []],\n\"\":\"\"}\n"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		FUZZ_HOLDS(!json_is(wrong[i]));
}

/* What must be accepted, or nothing that is asserted of accepted plans means anything. */
static void check_world(struct plan *plan, char **envp)
{
	static const char good[] =
		"user: app\nsupplementary_groups: [auto, video]\ncommand: [/bin/true]\nenv_file: /env\n"
		"seccomp: /profile.json\n";
	static bool checked;

	if (checked)
		return;
	check_json();
	world_begin(good, strlen(good));
	FUZZ_HOLDS(world_plan(plan, PLAN_RUN, false, envp) && environ_get(&plan->env, "FROM_FILE"));
	mem_release(&plan->problems.mem);
	checked = true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static struct plan plan, again;
	struct mem mem = {0};

	if (length > MOST)
		return 0;
	const char *text = mem_copy(&mem, (const char *)bytes, length);
	char **envp = environment(&mem, text, false);
	const bool nonroot = strstr(text, "# start: user") != NULL;
	check_world(&plan, envp);

	world_begin(text, length);
	bool accepted = world_plan(&plan, PLAN_RUN, nonroot, envp);
	const char *said = mem_text(&mem, world_problems()), *is = world_dump(&plan);
	if (accepted)
		mutate_keep(bytes, length);

	world_begin(text, length);
	FUZZ_HOLDS(world_plan(&again, PLAN_RUN, nonroot, envp) == accepted);
	FUZZ_HOLDS(strcmp(said, world_problems()) == 0);
	FUZZ_HOLDS(plan.problems.count || strcmp(is, world_dump(&again)) == 0);
	mem_release(&again.problems.mem);

	world_begin(text, length);
	if (world_plan(&again, PLAN_RUN, nonroot, environment(&mem, text, true)) && accepted)
		check_same_privileges(&plan, &again);
	mem_release(&again.problems.mem);

	world_begin(text, length);
	if (world_plan(&again, PLAN_EXPLAIN, false, envp))
		check_explanation(&again);
	mem_release(&again.problems.mem);
	mem_release(&plan.problems.mem);
	mem_release(&mem);
	return 0;
}
