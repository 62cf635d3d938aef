#include "explain/explain.h"

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "config/config.h"
#include "explain/parts.h"
#include "steps/step.h"
#include "steps/verb.h"

static void say_lines(struct mem *mem, const struct list *lines, const char *indent)
{
	for (size_t i = 0; i < lines->count; i++)
		diag_print("%s%s\n", indent, mem_shown(mem, lines->items[i]));
}

void explain_lines(struct mem *mem, const char *title, const struct list *lines)
{
	diag_print("%s\n%s", title, lines->count ? "" : "  none\n");
	say_lines(mem, lines, "  ");
}

/* Prints the problems. Status 0: only the start can decide the remaining ones. */
static int problems_status(const struct plan *plan)
{
	problems_say(&plan->problems);
	return plan->problems.count > plan->problems.pending ? DIAG_USER : 0;
}

int explain_check(struct plan *plan)
{
	const struct filter_target target = config_filter_target(plan);
	struct list unknown = {0};

	if (problems_status(plan) != 0)
		return DIAG_USER;
	if (plan->profile)
		filter_unknown(plan->mem, plan->profile, &target, &unknown);
	say_lines(plan->mem, &unknown, "");
	diag_print("%s: no problems%s\n", mem_shown(plan->mem, plan->file),
		   plan->problems.count ? "; the notes above can only be checked when the container starts" : "");
	return 0;
}

const char *explain_id(struct mem *mem, uint32_t id)
{
	return id == ACCOUNTS_SOMEBODY ? "(set at the start)" : mem_format(mem, "%u", id);
}

static const char *explain_filter(struct plan *plan)
{
	if (plan->command == COMMAND_PAUSE)
		return "a filter of its own: nothing but waiting and reaping";
	return plan->filter.code ? filter_summary(plan->mem, &plan->filter) : "unconfined: no filter of capshim's";
}

static void explain_workload(struct plan *plan)
{
	bool root, back = plan->workload.uid == 0;

	diag_print("the workload\n");
	if (plan->command == COMMAND_NONE) {
		diag_print("  none: the end of the setup is the end of capshim\n");
		return;
	}
	diag_print("  user     uid %s", explain_id(plan->mem, plan->workload.uid));
	if (plan->user_name)
		diag_print(" (%s)", mem_shown(plan->mem, plan->user_name));
	diag_print(", gid %s, groups", explain_id(plan->mem, plan->workload.gid));
	for (size_t i = 0; i < plan->workload.ngroups; i++)
		diag_print(" %s", explain_id(plan->mem, plan->workload.groups[i]));
	diag_print("%s\n  command ", plan->workload.ngroups ? "" : " none");
	for (size_t i = 0; i < plan->argv.count; i++)
		diag_print(" %s", mem_shown(plan->mem, plan->argv.items[i]));
	diag_print("%s\n  keeps    %s\n",
		   plan->argv.count                 ? ""
		   : plan->command == COMMAND_PAUSE ? " pause"
						    : " none",
		   capability_list(plan->mem, plan->workload.keep));
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++) {
		if (!(plan->workload.keep & CAPABILITY_BIT(cap)))
			continue;
		diag_print("           %s: an attacker inside the workload %s\n", capability_name(cap).text,
			   explain_gain(cap, &root));
		back |= root || cap == CAP_SETPCAP;
	}
	diag_print("  drops    all other capabilities (all five sets), privilege gains through exec%s\n",
		   back ? "" : ", any way back to root");
	diag_print("  seccomp  %s\n", explain_filter(plan));
	if (plan->init.on)
		diag_print("  init     %s\n", config_init_explained(plan));
}

#define UNASKED " (skipped: setup_for or setup_unless_args leaves the setup out)"

static void explain_steps(struct plan *plan)
{
	struct mem *mem = plan->mem;

	diag_print("the setup, as root\n");
	for (size_t i = 0; i < plan->nwishes; i++)
		diag_print("  accounts %s (uid %s, gid %s)%s\n", mem_shown(mem, plan->wishes[i].name),
			   explain_id(mem, plan->wishes[i].uid), explain_id(mem, plan->wishes[i].gid),
			   plan->run_setup ? "" : UNASKED);
	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];
		diag_print("  line %u: %s%s%s", step->line, step->verb->name, step->items.count ? " " : "",
			   step->items.count ? mem_shown(mem, step->items.items[0]) : "");
		if (step->items.count > 1)
			diag_print(" and %zu more", step->items.count - 1);
		if (step->user.narrowed)
			diag_print(" (as uid %s, %s)", explain_id(mem, step->user.want.uid),
				   step->user.filter.code ? "with the default filter" : "without a filter");
		if (step->skipped)
			diag_print("%s", plan->run_setup ? " (skipped: its condition does not hold)" : UNASKED);
		diag_print("\n");
	}
	if (plan->nsteps + plan->nwishes == 0)
		diag_print("  none\n");
}

/* One line for each reason; the name of the capability in front of the first. */
static void explain_reasons(struct mem *mem, const struct list *lists)
{
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		for (size_t i = 0; i < lists[cap].count; i++)
			diag_print("  %-22s %s\n", i ? "" : capability_name(cap).text,
				   mem_shown(mem, lists[cap].items[i]));
}

/* Lines that can be copied. */
static void explain_grants(const struct plan *plan, uint64_t least)
{
	struct mem *mem = plan->mem;
	const struct list names = capability_names(mem, least, false);
	const char *list = list_join(mem, &names, ", ");
	/* Who asks without root may be in an image with USER. */
	const bool root = plan->start.euid == 0;

	diag_print("  docker run %s--security-opt no-new-privileges --cap-drop ALL%s%s\n", root ? "" : "--user 0 ",
		   least ? " --cap-add " : "", list_join(mem, &names, " --cap-add "));
	diag_print(
		"  Compose:\n%s    security_opt: [\"no-new-privileges:true\"]\n    cap_drop: [ALL]\n    cap_add: [%s]\n"
		"  Kubernetes:\n    securityContext:\n      runAsUser: 0\n      runAsNonRoot: false\n      allowPrivilegeEscalation: false\n"
		"      seccompProfile: {type: RuntimeDefault}\n      capabilities: {drop: [ALL], add: [%s]}\n",
		root ? "" : "    user: \"0\"\n", list, list);
}

uint64_t explain_set(const struct list *lists)
{
	uint64_t set = 0;

	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		set |= lists[cap].count ? CAPABILITY_BIT(cap) : 0;
	return set;
}

uint64_t explain_least(struct plan *plan, bool print)
{
	struct explanation explained = {0};

	explain_needs(plan, &explained);
	const uint64_t least = explain_set(explained.always);
	if (print)
		explain_grants(plan, least);
	return least;
}

/* {"CAP_CHOWN":["why", …], …} for those that have reasons. */
static const char *reasons(struct mem *mem, const struct list *lists)
{
	const char *text = "";

	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (lists[cap].count)
			text = mem_format(mem, "%s%s\"%s\":%s", text, *text ? "," : "", capability_name(cap).text,
					  json_strings(mem, &lists[cap]));
	return mem_format(mem, "{%s}", text);
}

/* The number, or null: only the start knows it. */
static const char *id_json(struct mem *mem, uint32_t id)
{
	return id == ACCOUNTS_SOMEBODY ? "null" : mem_format(mem, "%u", id);
}

void explain_json(struct plan *plan, const struct explanation *explained)
{
	struct mem *mem = plan->mem;
	const struct privileges *who = &plan->workload;
	struct list kept[EXPLAIN_CAPS] = {{0}};
	/* A pause has a filter of its own. */
	const bool filtered = plan->filter.code || plan->command == COMMAND_PAUSE;
	const char *groups = "";
	bool root;

	for (size_t i = 0; i < who->ngroups; i++)
		groups = mem_format(mem, "%s%s%s", groups, i ? "," : "", id_json(mem, who->groups[i]));
	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (who->keep & CAPABILITY_BIT(cap))
			list_add(mem, &kept[cap], explain_gain(cap, &root));
	diag_print("{\"config\":%s,\"user\":{\"uid\":%s,\"gid\":%s,\"additionalGids\":[%s]},\"args\":%s,\"kept\":%s,"
		   "\"required\":%s,\"conditional\":%s,\"seccomp\":%s,\"warnings\":%s}\n",
		   json_quoted(mem, plan->file), id_json(mem, who->uid), id_json(mem, who->gid), groups,
		   json_strings(mem, &plan->argv), reasons(mem, kept), reasons(mem, explained->always),
		   reasons(mem, explained->maybe), filtered ? "true" : "false",
		   json_strings(mem, &explained->warnings));
}

int explain_plan(struct plan *plan, bool json)
{
	struct explanation explained = {0};
	int shown;

	if (problems_status(plan) != 0)
		return DIAG_USER;
	explain_needs(plan, &explained);
	explain_warn(plan, &explained);
	if (json) {
		explain_json(plan, &explained);
		return 0;
	}
	shown = terminal_begin();
	diag_print("%s\nthe least that the container must grant: paste one of these\n",
		   mem_shown(plan->mem, plan->file));
	explain_grants(plan, explain_set(explained.always));
	if (plan->own_stdio == STDIO_AUTO && !explained.always[CAP_CHOWN].count)
		diag_print(
			"  with CHOWN as well where the workload opens /dev/stdout or /dev/stderr by name: own_stdio gives them "
			"to it\n");
	explain_workload(plan);
	explain_steps(plan);
	explain_lines(plan->mem, "warnings", &explained.warnings);
	diag_print("what each capability is for\n");
	explain_reasons(plan->mem, explained.always);
	if (explain_set(explained.maybe))
		diag_print(
			"also needed once a volume holds files that root does not own, processes stay, or limits are lower\n");
	explain_reasons(plan->mem, explained.maybe);
	terminal_end(plan->mem, shown);
	return 0;
}

int explain_syscall(struct plan *plan, const char *name)
{
	const struct filter_target target = config_filter_target(plan);
	struct list lines = {0};

	if (problems_status(plan) != 0)
		return DIAG_USER;
	if (!plan->filter.code)
		diag_die(DIAG_USER, "there is no filter: the config says \"%s\"",
			 plan->command == COMMAND_NONE    ? "command: none"
			 : plan->command == COMMAND_PAUSE ? "command: pause"
							  : "seccomp: unconfined");
	if (!name)
		filter_explain(plan->mem, &plan->filter, &lines);
	else if (!filter_explain_call(plan->mem, &plan->filter, plan->profile, &target, name, &lines))
		diag_die(DIAG_USER, "\"%s\" is not a system call that is known here", name);
	say_lines(plan->mem, &lines, "");
	return 0;
}
