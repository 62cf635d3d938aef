#include <errno.h>
#include <string.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/text.h"
#include "explain/parts.h"
#include "explain/processes.h"

/* The most that a process may hold. */
struct allowed {
	const struct privileges *ids;
	uint64_t keep, bounding;
	unsigned int filters; /* at least this many */
	bool exactly;         /* exactly: the bounding set and the groups must be equal */
};

/* "Uid 0", or all four if they differ: real, effective, saved and file system id. */
static void compare_id(struct mem *mem, struct list *to, const char *name, uint32_t want, const uint32_t *ids)
{
	if (ids[0] == ids[1] && ids[0] == ids[2] && ids[0] == ids[3]) {
		if (ids[0] != want)
			list_format(mem, to, "%s %u", name, ids[0]);
	} else {
		list_format(mem, to, "%s %u %u %u %u", name, ids[0], ids[1], ids[2], ids[3]);
	}
}

static void compare_groups(struct mem *mem, struct list *to, const struct allowed *may, const struct start *held)
{
	const struct privileges *ids = may->ids;

	for (size_t i = 0; i < held->ngroups; i++)
		if (held->groups[i] != ids->gid && !gids_have(ids->groups, ids->ngroups, held->groups[i]))
			list_format(mem, to, "group %u", held->groups[i]);
	for (size_t i = 0; may->exactly && i < ids->ngroups; i++)
		if (!gids_have(held->groups, held->ngroups, ids->groups[i]))
			list_format(mem, to, "no group %u", ids->groups[i]);
}

/* Sets that hold the same excess are named together. */
static void compare_sets(struct mem *mem, struct list *to, const struct allowed *may, const struct start *held)
{
	uint64_t more[START_SETS];

	for (size_t i = 0; i < START_SETS; i++) {
		const uint64_t *in = &may->keep;
		if (start_sets[i].offset == offsetof(struct start, bounding))
			in = &may->bounding;
		more[i] = start_set_of(held, &start_sets[i]) & ~*in;
	}
	for (size_t i = 0; i < START_SETS; i++) {
		const char *text = "";
		uint64_t these = more[i];
		for (size_t j = i; these && j < START_SETS; j++)
			if (more[j] == these) {
				text = mem_format(mem, "%s%s ", text, start_sets[j].status);
				more[j] = 0;
			}
		if (these)
			list_format(mem, to, "%s%s", text, capability_list(mem, these));
	}
	if (may->exactly && may->bounding & ~held->bounding)
		list_format(mem, to, "CapBnd without %s", capability_list(mem, may->bounding & ~held->bounding));
}

/* What STATUS holds beyond what it may, in the words of proc(5). */
static struct list compare(struct mem *mem, const struct allowed *may, const struct status *status)
{
	const struct start *held = &status->held;
	const uint32_t uids[] = {held->uid, held->euid, held->suid, status->fsuid};
	const uint32_t gids[] = {held->gid, held->egid, held->sgid, status->fsgid};
	struct list more = {0};

	/* A process that keeps these may have become another user by now. */
	if (!(may->keep & CAPABILITY_BIT(CAP_SETUID)))
		compare_id(mem, &more, "Uid", may->ids->uid, uids);
	if (!(may->keep & CAPABILITY_BIT(CAP_SETGID))) {
		compare_id(mem, &more, "Gid", may->ids->gid, gids);
		compare_groups(mem, &more, may, held);
	}
	compare_sets(mem, &more, may, held);
	if (!status->no_new_privs)
		list_add(mem, &more, "NoNewPrivs 0");
	/* Before Linux 5.9 filters are not counted. */
	if (status->filtered && !status->filters ? false : status->filters < may->filters)
		list_format(mem, &more, "%u seccomp filter%s instead of %u", status->filters,
			    status->filters == 1 ? "" : "s", may->filters);
	return more;
}

static bool read_one(struct mem *mem, uint32_t pid, struct status *status)
{
	return pid != 0 && status_read(status, mem, mem_format(mem, "/proc/%u/status", pid)) == 0;
}

/*
 * Moves from *PID to its first child, if that was started through capshim: the workload of an init. False: *PID
 * stays.
 */
static bool step_down(struct mem *mem, uint32_t *pid, struct status *status)
{
	const char *children = status_text(mem, mem_format(mem, "/proc/%u/task/%u/children", *pid, *pid));
	uint32_t first = children ? (uint32_t)text_number(children, 10, NULL) : 0;
	struct status child;

	if (!read_one(mem, first, &child) || !child.no_new_privs)
		return false;
	*pid = first;
	*status = child;
	return true;
}

/* The same five sets and as many filters: a start through capshim would have taken or added something. */
static bool holds_as_much(const struct status *status, const struct status *self)
{
	for (size_t i = 0; i < START_SETS; i++)
		if (start_set_of(&status->held, &start_sets[i]) != start_set_of(&self->held, &start_sets[i]))
			return false;
	return status->filters == self->filters;
}

/*
 * Finds the workload of this container: process 1, or its child if process 1 is capshim's init, or another init
 * (docker run --init) that was not started through capshim. Returns why there is nothing to compare with, or NULL.
 */
static const char *find_workload(struct mem *mem, const struct plan *plan, const struct status *self,
				 const struct allowed *may, uint32_t *pid, struct status *status)
{
	*pid = 1;
	if (!read_one(mem, 1, status))
		return "/proc/1/status cannot be read";
	if (!processes_is_ours(mem, "1"))
		return "process 1 is another container's";
	/* Where the container sets no_new_privs for all: the other init holds what this process was started with. */
	if (!status->no_new_privs || (holds_as_much(status, self) && compare(mem, may, status).count))
		(void)step_down(mem, pid, status);
	/* Even if only an earlier config had an init: an init holds nothing, and would pass for many workloads. */
	const bool init = strcmp(status->name, self->name) == 0;
	if ((init || plan->behind_init) && !step_down(mem, pid, status) && init)
		return "the child of the init cannot be read";
	return NULL;
}

/*
 * What to do about a difference. Another user than the container's asks where the bounding sets say so: a start without root
 * leaves it as it was, and one as root does not.
 */
static const char *advice(struct mem *mem, const struct start *asks, const struct start *workload)
{
	const bool without_root = !workload->permitted && workload->bounding == asks->bounding;
	const uint32_t uid = without_root ? workload->uid : 0;

	if (uid == asks->euid)
		return "start the container anew, or put the config back";
	return mem_format(mem, "run this as the user that the container was started as (docker exec -u %u)", uid);
}

void compare_with_workload(const struct plan *plan)
{
	struct mem mem = {NULL};
	struct status self, workload;
	uint32_t pid;

	if (plan->mode != PLAN_AS_WORKLOAD)
		return;
	struct allowed may = {.ids = &plan->workload,
			      .keep = plan->workload.keep,
			      .bounding = plan->workload.bounding,
			      .exactly = true};
	const char *why = "/proc cannot be read";
	if (status_read(&self, &mem, "/proc/self/status") == 0) {
		may.filters = self.filters + (plan->filter.code != NULL);
		why = find_workload(&mem, plan, &self, &may, &pid, &workload);
	}
	if (why) {
		diag_say("--as-workload compares nothing: %s", why);
		return;
	}
	const struct list differs = compare(&mem, &may, &workload);
	if (differs.count)
		diag_die(DIAG_UNPROVEN,
			 "cannot run as the workload: process %u (%s) has %s, which is not what \"%s\" says: %s", pid,
			 workload.name, list_join(&mem, &differs, "; "), plan->file,
			 advice(&mem, &self.held, &workload.held));
	if (plan->trace)
		diag_say("--as-workload: the same as process %u (%s)", pid, workload.name);
}

/* The number of filters that the runtime gave: those of a process that was not started through capshim. */
static unsigned int filters_given(const struct plan *plan, const struct status *first, const struct status *self,
				  bool ours)
{
	const unsigned int added = plan->filter.code != NULL;

	/*
	 * Only this process can tell, if it was started in the same container; or a PID 1 that certainly has one
	 * more.
	 */
	if (!ours)
		return plan->behind_init && first->filters ? first->filters - 1 : 0;
	/* Started by --as-workload it also has the config's filter. */
	if (self->no_new_privs && self->held.euid != 0 && first->filters >= added &&
	    first->filters - added < self->filters)
		return first->filters - added;
	return self->filters;
}

static struct allowed allowed_processes(const struct plan *plan, const struct status *first, const struct status *self,
					bool ours)
{
	const struct privileges *ids = &plan->workload;
	struct allowed may = {.ids = ids, .keep = ids->keep | plan->optional};

	may.filters = filters_given(plan, first, self, ours) + (plan->filter.code || plan->command == COMMAND_PAUSE);
	may.bounding = may.keep;
	/* A start without root could not empty it, and no_new_privs makes it worthless. */
	if (first->no_new_privs && ids->uid != 0 && first->held.uid == ids->uid)
		may.bounding |= first->held.bounding;
	return may;
}

int compare_processes(struct plan *plan, const char *pid, bool json)
{
	struct mem *mem = plan->mem;
	size_t processes = 0, threads = 0, found = 0;
	struct status self;

	problems_say(&plan->problems);
	if (plan->problems.count)
		return DIAG_USER;
	if (plan->command == COMMAND_NONE)
		diag_die(DIAG_USER, "there is nothing to verify: \"%s\" says \"command: none\"", plan->file);
	const uint32_t number = processes_self();
	if (status_read(&self, mem, "/proc/self/status") != 0)
		diag_cannot("read", "/proc/self/status", errno, DIAG_NO_CAP);
	processes_must_show(mem, "verify");
	const struct process *list = processes_read(mem, number, pid), *first = list;
	while (first && first->status.inner != 1)
		first = first->next;
	if (!first) /* or it is hidden */
		diag_die(DIAG_USER, "there is no process 1 to verify: run this in a container (docker exec), or name a "
				    "process of one");
	const struct allowed may = allowed_processes(plan, &first->status, &self, !pid && processes_is_ours(mem, "1"));

	if (json)
		diag_print("{\"config\":%s,\"holdMore\":[", json_quoted(mem, plan->file));
	for (; list; list = list->next) {
		const struct list more = compare(mem, &may, &list->status);
		processes += list->pid == list->tid;
		threads++;
		if (!more.count)
			continue;
		if (json)
			diag_print("%s{\"pid\":%u,\"tid\":%u,\"name\":%s,\"more\":%s}", found ? "," : "", list->pid,
				   list->tid, json_quoted(mem, list->status.name), json_strings(mem, &more));
		else
			diag_say("pid %u%s %s: %s%s", list->pid,
				 list->tid == list->pid ? "" : mem_format(mem, " thread %u", list->tid),
				 list->status.name, list_join(mem, &more, "; "),
				 list->status.no_new_privs || list->status.inner == 1
					 ? ""
					 : ": started beside capshim, by docker exec?");
		found++;
	}
	if (json)
		diag_print("],\"processes\":%zu,\"threads\":%zu,\"notVisible\":[\"securebits\"]}\n", processes,
			   threads);
	else if (!found)
		diag_print(
			"%zu process%s, %zu thread%s: none holds more than \"%s\" names (securebits are not visible)\n",
			processes, processes == 1 ? "" : "es", threads, threads == 1 ? "" : "s",
			mem_shown(mem, plan->file));
	return found ? DIAG_UNPROVEN : 0;
}
