/*
 * What must hold of every plan, and a plan as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "config/config.h"
#include "fuzz.h"
#include "steps/step.h"
#include "steps/verb.h"
#include "walk/trust.h"
#include "world.h"

#define ALL_CAPS (CAPABILITY_BIT(CAP_LAST_CAP + 1) - 1)

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

static void check_privileges(const struct plan *plan, const struct privileges *who)
{
	FUZZ_HOLDS(who->uid != ACCOUNTS_NO_ID && who->gid != ACCOUNTS_NO_ID);
	FUZZ_HOLDS((who->keep & ~ALL_CAPS) == 0);
	FUZZ_HOLDS(who->keep == (who->keep & who->bounding));
	for (size_t i = 0; i < who->ngroups && !plan->nonroot; i++) {
		FUZZ_HOLDS(who->groups[i] != ACCOUNTS_NO_ID);
		FUZZ_HOLDS(i == 0 || who->groups[i - 1] < who->groups[i]);
	}
}

/* Root, and root's group, are only there where they are written, whatever the environment says. */
static void check_root(const struct plan *plan, const struct node *root)
{
	const struct node *user = yaml_get(root, "user"), *allow = yaml_get(root, "allow_root");
	const struct node *groups = yaml_get(root, "supplementary_groups");
	const bool allowed = allow && strcmp(allow->text, "true") == 0;

	if (plan->nonroot || plan->command == COMMAND_NONE)
		return;
	FUZZ_HOLDS(plan->allow_root == allowed);
	FUZZ_HOLDS(plan->workload.uid != 0 || allowed);
	if (plan->workload.gid == 0 && plan->workload.uid != 0)
		FUZZ_HOLDS(user && (ends_with(user->text, ":0") || ends_with(user->text, ":root")));
	if (!groups && plan->workload.ngroups)
		FUZZ_HOLDS(plan->workload.groups[0] != 0);
	if (!yaml_get(root, "cap_add") && !yaml_get(root, "cap_add_optional"))
		FUZZ_HOLDS(plan->workload.keep == 0);
	if (!yaml_get(root, "seccomp") && plan->command == COMMAND_RUN)
		FUZZ_HOLDS(plan->filter.code != NULL);
}

/* No scalar below NODE refers to the environment; NODE may be NULL. */
static void check_written(const struct node *node)
{
	if (!node)
		return;
	FUZZ_HOLDS(!node->text || !environ_has_reference(node->text));
	for (const struct node *n = node->first; n; n = n->next)
		check_written(n);
}

/* What decides about privileges is written out: in the config, and in every step that is not left out. */
static void check_all_written(const struct plan *plan, const struct node *root)
{
	static const char *const fixed[] = {"cap_add", "cap_add_optional", "seccomp", "allow_root",
					    "supplementary_groups"};
	static const char *const step_fixed[] = {"cap_add", "hardlinks", "source", "options", "on_error"};
	const struct node *setup = yaml_get(root, "setup");
	const struct node *node = setup && setup->kind == NODE_LIST ? setup->first : setup;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		check_written(yaml_get(root, fixed[i]));
	for (size_t i = 0; i < plan->nsteps; i++, node = node->next) {
		const struct step *step = &plan->steps[i];
		FUZZ_HOLDS(node != NULL);
		if (step->skipped)
			continue;
		for (size_t k = 0; k < sizeof(step_fixed) / sizeof(*step_fixed); k++)
			check_written(yaml_get(node, step_fixed[k]));
		if (strcmp(step->verb->name, "mount") == 0)
			check_written(yaml_get(node, "type"));
		if (step->verb->runs)
			check_written(yaml_get(node, "user"));
		if (step->verb->value == VERB_ARGV) {
			const struct node *program = yaml_get(node, step->verb->name);
			check_written(program->kind == NODE_LIST ? program->first : program);
		}
	}
}

static void check_accepted(struct plan *plan)
{
	static struct problems again;
	size_t length = 0;
	const char *why = NULL;
	char *bytes = trust_read(&again.mem, WORLD_CONFIG, YAML_LIMIT, &length, &why);
	const struct node *root = yaml_read(&again, WORLD_CONFIG, bytes, length);

	FUZZ_HOLDS(root && root->kind == NODE_MAP);
	check_root(plan, root);
	check_all_written(plan, root);
	mem_release(&again.mem);
	if (plan->command != COMMAND_NONE)
		check_privileges(plan, &plan->workload);
	FUZZ_HOLDS(plan->init_holds.keep == 0);
	FUZZ_HOLDS((plan->umask.to & ~(mode_t)0777) == 0);
	FUZZ_HOLDS((plan->keep_fds[0] & 7) == 0);
	FUZZ_HOLDS(!plan->working_dir || plan->working_dir[0] == '/');
	FUZZ_HOLDS(plan->command != COMMAND_RUN || (plan->argv.count && plan->argv.items[0][0]));
	for (int i = 0; i < PLAN_LIMITS; i++)
		FUZZ_HOLDS(!plan->limits[i].soft_set || !plan->limits[i].hard_set ||
			   plan->limits[i].soft <= plan->limits[i].hard);
	for (size_t i = 0; i < plan->nwishes; i++)
		FUZZ_HOLDS(plan->wishes[i].uid != 0 && plan->wishes[i].gid != 0 &&
			   plan->wishes[i].uid != ACCOUNTS_NO_ID && plan->wishes[i].gid != ACCOUNTS_NO_ID);
	for (size_t i = 0; i < plan->env.vars.count; i++)
		FUZZ_HOLDS(strchr(plan->env.vars.items[i], '=') > plan->env.vars.items[i]);
	world_check_steps(plan);
}

bool world_plan(struct plan *plan, enum plan_mode mode, bool nonroot, char **envp)
{
	char *no_arguments[] = {NULL};

	memset(plan, 0, sizeof(*plan));
	world_start(&plan->start, nonroot);
	config_read(plan, mode, WORLD_CONFIG, no_arguments, envp);
	FUZZ_HOLDS((plan->problems.count == 0) == (plan->problems.first == NULL));
	FUZZ_HOLDS(plan->problems.pending <= plan->problems.count);
	world_check_messages(&plan->problems);
	if (plan->problems.count)
		return false;
	if (!plan->refused)
		check_accepted(plan);
	FUZZ_HOLDS(!plan->refused || plan->refused[0]);
	return !plan->refused;
}

static void dump_list(FILE *to, const char *name, const struct list *list)
{
	fprintf(to, "%s %zu:", name, list->count);
	for (size_t i = 0; i < list->count; i++)
		fprintf(to, " <%s>", list->items[i]);
	fputc('\n', to);
}

static void dump_privileges(FILE *to, const char *name, const struct privileges *who)
{
	fprintf(to, "%s %u:%u keep %llx bounding %llx lock %d groups", name, who->uid, who->gid,
		(unsigned long long)who->keep, (unsigned long long)who->bounding, who->lock);
	for (size_t i = 0; i < who->ngroups; i++)
		fprintf(to, " %u", who->groups[i]);
	fputc('\n', to);
}

static void dump_change(FILE *to, const char *name, const struct mode_change *change)
{
	fprintf(to, "%s %d %d %o", name, change->set, change->octal, change->bits);
	for (size_t i = 0; i < change->nclauses; i++)
		fprintf(to, " %o%c%o%d", change->clauses[i].who, change->clauses[i].operation, change->clauses[i].bits,
			change->clauses[i].conditional_x);
	fputc('\n', to);
}

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void dump_step(FILE *to, const struct step *s)
{
	fprintf(to, "step %s %u skipped %d on_error %d\n", s->verb ? s->verb->name : "?", s->line, s->skipped,
		s->on_error);
	for (const struct condition *c = s->conditions; c; c = c->next) {
		fprintf(to, "condition %d %d %s %llx\n", c->kind, c->negate, or_none(c->path),
			(unsigned long long)c->capability);
		if (c->program)
			dump_list(to, "argv", &c->program->items);
	}
	dump_list(to, "items", &s->items);
	dump_list(to, "exclude", &s->exclude);
	dump_list(to, "variables", &s->variables);
	dump_list(to, "options", &s->mount_options);
	dump_list(to, "environment", &s->environment);
	dump_change(to, "mode", &s->change);
	dump_change(to, "file_mode", &s->file_mode);
	dump_change(to, "dir_mode", &s->dir_mode);
	fprintf(to, "%d%d %o %u:%u %d%d%d%d%d%d%d%d policy %d links %d exists %d\n", s->mode_written, s->owner_written,
		s->mode, s->owner.uid, s->owner.gid, s->as != NULL, s->recursive, s->cross_mounts, s->force,
		s->only_if_empty, s->nonempty, s->bare, s->only_if_exists, s->change_policy, s->hardlinks,
		s->if_exists);
	fprintf(to, "<%s> <%s> <%s> <%s> <%s> <%s>\n", or_none(s->content), or_none(s->to), or_none(s->target),
		or_none(s->suffix), or_none(s->type), or_none(s->source));
	fprintf(to, "%u:%u timeout %u <%s> <%s> <%s> narrowed %d name %s\n", s->major, s->minor, s->timeout,
		or_none(s->input), or_none(s->working_dir), or_none(s->match), s->user.narrowed, or_none(s->user.name));
	dump_privileges(to, "user", &s->user.want);
	for (size_t i = 0; i < sizeof(s->ok_exit_codes); i++)
		fprintf(to, "%02x", s->ok_exit_codes[i]);
	fputc('\n', to);
}

static void dump_process(FILE *to, const struct plan *plan)
{
	fprintf(to, "umask %d%d %o %o oom %d %d stdio %d session %d report %d trace %d dir %s\n", plan->umask.set,
		plan->umask.conditional, plan->umask.from, plan->umask.to, plan->oom_score_adj_set, plan->oom_score_adj,
		plan->own_stdio, plan->new_session, plan->report, plan->trace, or_none(plan->working_dir));
	for (int i = 0; i < PLAN_LIMITS; i++)
		fprintf(to, "limit %d%d %llu %llu\n", plan->limits[i].soft_set, plan->limits[i].hard_set,
			(unsigned long long)plan->limits[i].soft, (unsigned long long)plan->limits[i].hard);
	for (size_t i = 0; i < sizeof(plan->keep_fds) / sizeof(*plan->keep_fds); i++)
		fprintf(to, "%llx ", (unsigned long long)plan->keep_fds[i]);
	fprintf(to, "\ninit %d %d %d %llx %d\n", plan->init.on, plan->init.signal_target, plan->init.wait_all,
		(unsigned long long)plan->init.stop_signals, plan->init.stop_grace_seconds);
	fwrite(plan->init.signal_map, 1, sizeof(plan->init.signal_map), to);
	fwrite(plan->init.exit_code_map, 1, sizeof(plan->init.exit_code_map), to);
	fprintf(to, "\nfilter %u %u\n", plan->filter.count, plan->filter.flags);
	if (plan->filter.code)
		fwrite(plan->filter.code, sizeof(*plan->filter.code), plan->filter.count, to);
}

const char *world_dump(struct plan *plan)
{
	char *bytes = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&bytes, &length);

	FUZZ_HOLDS(to != NULL);
	dump_privileges(to, "workload", &plan->workload);
	dump_privileges(to, "init", &plan->init_holds);
	fprintf(to, "optional %llx %s %s %d%d%d%d %s\n", (unsigned long long)plan->optional, or_none(plan->user_name),
		or_none(plan->home), plan->nonroot, plan->allow_root, plan->run_setup, plan->try_setup,
		or_none(plan->refused));
	for (size_t i = 0; i < plan->nwishes; i++)
		fprintf(to, "account %s %s %s %u %u\n", plan->wishes[i].name, or_none(plan->wishes[i].home),
			or_none(plan->wishes[i].shell), plan->wishes[i].uid, plan->wishes[i].gid);
	dump_list(to, "environment", &plan->env.vars);
	fprintf(to, "command %d\n", plan->command);
	dump_list(to, "argv", &plan->argv);
	dump_list(to, "unset", &plan->unset);
	dump_process(to, plan);
	for (size_t i = 0; i < plan->nsteps; i++)
		dump_step(to, &plan->steps[i]);
	fclose(to);
	/* Bytes of the filter may be 0: what differs behind the first one still differs in the sum. */
	uint64_t sum = length;
	for (size_t i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
	const char *text = mem_format(&plan->problems.mem, "%016llx %s", (unsigned long long)sum, bytes);
	free(bytes);
	return text;
}
