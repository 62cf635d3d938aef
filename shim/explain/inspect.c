#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "explain/parts.h"
#include "explain/processes.h"
#include "walk/tree.h"

#define NAMED_MAX 8 /* the most processes of one state that are named */

struct inspection {
	struct mem mem;
	struct process *processes;
	uint64_t bounding;           /* of any of them */
	bool gains;                  /* one lacks no_new_privs: an execve can give it more */
	const char *root;            /* prefix for the paths of the image; NULL: the image is not examined */
	struct list setuid, capable; /* programs: set-user-ID root, with file capabilities */
	struct list writable;        /* directories of PATH that one of the processes can write */
};

static bool same_state(const struct status *a, const struct status *b)
{
	for (size_t i = 0; i < START_SETS; i++)
		if (start_set_of(&a->held, &start_sets[i]) != start_set_of(&b->held, &start_sets[i]))
			return false;
	return memcmp(&a->held.uid, &b->held.uid, 6 * sizeof(uint32_t)) == 0 && a->fsuid == b->fsuid &&
	       a->fsgid == b->fsgid && a->held.ngroups == b->held.ngroups &&
	       memcmp(a->held.groups, b->held.groups, a->held.ngroups * sizeof(*a->held.groups)) == 0 &&
	       a->no_new_privs == b->no_new_privs && a->filtered == b->filtered && a->filters == b->filters;
}

/* Takes part in what is said: with the first process that holds the same. */
static void inspect_process(struct inspection *to, struct process *process)
{
	const struct process *first = to->processes;

	while (first != process && (first->state != first || !same_state(&first->status, &process->status)))
		first = first->next;
	process->state = first;
	to->bounding |= process->status.held.bounding;
	to->gains |= !process->status.no_new_privs;
}

/* Examines one file of the image. */
static void look_at(void *context, const struct walk_entry *entry)
{
	struct inspection *to = context;
	const char *path = entry->path + strlen(to->root);
	struct capability_file caps;

	if (!S_ISREG(entry->stat.mode) || !(entry->stat.mode & 0111) || entry->cut)
		return;
	if (entry->stat.mode & S_ISUID && entry->stat.uid == 0)
		list_add(&to->mem, &to->setuid, path);
	if (capability_of_file(-1, entry->path, &caps) != 0 || !caps.present)
		return;
	list_format(&to->mem, &to->capable, "%s: %s%s", path,
		    capability_list(&to->mem, caps.permitted | caps.inheritable),
		    caps.effective && caps.permitted & ~to->bounding ? " (cannot be executed: not in the bounding set)"
								     : "");
}

/* Root can write everywhere, which is not reported. */
static void look_at_path(struct inspection *to, const char *path)
{
	for (const char *name; (name = path_next(&to->mem, &path));) {
		bool writes = false;
		struct stat stat;

		if (fstatat(AT_FDCWD, mem_format(&to->mem, "%s%s", to->root, name), &stat, 0) != 0)
			continue;
		for (const struct process *each = to->processes; each; each = each->next) {
			const struct start *held = &each->status.held;
			writes |= each->state && held->euid != 0 &&
				  explain_may(&(struct privileges){.uid = held->euid,
								   .gid = held->egid,
								   .groups = held->groups,
								   .ngroups = held->ngroups},
					      &stat, S_IWOTH);
		}
		if (writes)
			list_add(&to->mem, &to->writable, name);
	}
}

static void look_at_image(struct inspection *to)
{
	struct tree_walk tree = {.whole = true, .context = to, .file = look_at};
	const char *path = getenv("PATH");
	int top = open(*to->root ? to->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top < 0 || walk_tree(&tree, top, *to->root ? to->root : "/") != 0)
		diag_say("the image is left out: %s", strerror(errno));
	fd_close(top);
	look_at_path(to, path ? path : PATH_DEFAULT);
}

static bool has_group_zero(const struct start *held)
{
	return held->egid == 0 || gids_have(held->groups, held->ngroups, 0);
}

/* Each capability that is held, or that a set-user-ID program gives, with what an attacker gains. */
static struct list gains_of(struct mem *mem, const struct status *status)
{
	const uint64_t now = status->held.permitted, later = status->no_new_privs ? 0 : status->held.bounding;
	struct list gains = {0};
	bool root;

	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++) {
		if (!((now | later) & CAPABILITY_BIT(cap)))
			continue;
		const char *gain = explain_gain(cap, &root);
		list_format(mem, &gains, "%-22s %s%s%s", capability_name(cap).text, gain,
			    root ? " (as good as root)" : "",
			    now & CAPABILITY_BIT(cap) ? "" : " (by a set-user-ID program)");
	}
	if (status->held.euid == 0)
		list_add(mem, &gains, "uid 0                  owns the files of root");
	else if (has_group_zero(&status->held))
		list_add(mem, &gains, "gid 0                  opens what the group of root may open");
	return gains;
}

/* A set that equals one above it is shown as "the same". */
static void print_sets(struct mem *mem, const struct start *held)
{
	for (const struct start_set *set = start_sets; set < start_sets + START_SETS; set++) {
		const uint64_t holds = start_set_of(held, set);
		const struct start_set *above = start_sets;
		while (above < set && start_set_of(held, above) != holds)
			above++;
		const bool same = holds && above < set;
		diag_print("  %-11s %s%s\n", set->status, same ? "as " : "",
			   same ? above->status : capability_list(mem, holds));
	}
}

static void print_state(struct mem *mem, const struct process *first)
{
	const struct status *status = &first->status;
	const struct start *held = &status->held;
	const struct list gains = gains_of(mem, status);
	size_t count = 0;

	for (const struct process *one = first; one; one = one->next)
		if (one->state == first && count++ < NAMED_MAX)
			diag_print("%s%u %s", count > 1 ? ", " : "process ", one->tid, one->status.name);
	if (count > NAMED_MAX)
		diag_print(" and %zu more", count - NAMED_MAX);
	diag_print("\n  Uid         %u %u %u %u\n  Gid         %u %u %u %u\n  Groups      %s\n", held->uid, held->euid,
		   held->suid, status->fsuid, held->gid, held->egid, held->sgid, status->fsgid,
		   held->ngroups ? start_groups(mem, held->groups, held->ngroups, " ") : "none");
	print_sets(mem, held);
	diag_print("  NoNewPrivs  %d\n  Seccomp     %s\n", status->no_new_privs,
		   !status->filtered ? "none"
		   : status->filters ? mem_format(mem, "filters: %u", status->filters)
				     : "filtered");
	explain_lines(mem, "what an attacker in it gains", &gains);
}

/* What to change, in the words of docker run, Compose and Kubernetes. */
#define PLACES 3

static const char *const changes[][PLACES] = {
	{"--cap-drop ALL", "cap_drop: [ALL]", "capabilities: {drop: [ALL]}"},
	{"--security-opt no-new-privileges", "security_opt: [\"no-new-privileges:true\"]",
	 "allowPrivilegeEscalation: false"},
	{"--user 65534:65534", "user: \"65534:65534\"", "runAsUser: 65534, runAsGroup: 65534, runAsNonRoot: true"},
	{"(without --privileged and seccomp=unconfined)", "# without privileged and seccomp:unconfined",
	 "seccompProfile: {type: RuntimeDefault}"},
};

/* Those that are needed, into one list for each place. */
static void find_changes(struct inspection *of, struct list *to)
{
	bool needed[sizeof(changes) / sizeof(*changes)] = {false, of->gains};

	for (const struct process *each = of->processes; each; each = each->next) {
		const struct start *held = &each->status.held;
		if (!each->state)
			continue;
		needed[0] |= (held->permitted | held->inheritable | held->bounding) != 0;
		needed[2] |= held->euid == 0 || has_group_zero(held);
		needed[3] |= !each->status.filtered;
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		for (size_t place = 0; needed[i] && place < PLACES; place++)
			list_add(&of->mem, &to[place], changes[i][place]);
}

static void print_text(struct inspection *of)
{
	struct list change[PLACES] = {{0}};

	find_changes(of, change);
	for (const struct process *each = of->processes; each; each = each->next)
		if (each->state == each)
			print_state(&of->mem, each);
	if (of->root) {
		explain_lines(&of->mem,
			      of->gains ? "set-user-ID programs: they give uid 0 and the bounding set"
					: "set-user-ID programs: no_new_privs takes their effect away",
			      &of->setuid);
		explain_lines(&of->mem, "programs with capabilities", &of->capable);
		explain_lines(&of->mem, "directories of PATH that a process can write", &of->writable);
	}
	diag_print("what removes it from the manifest (or start it as root, with capshim in front)\n");
	if (!change[0].count) {
		diag_print("  nothing: no capability is held, and none can be gained\n");
		return;
	}
	diag_print("  docker run  %s\n  Compose     %s\n  Kubernetes  securityContext: {%s}\n",
		   list_join(&of->mem, &change[0], " "), list_join(&of->mem, &change[1], "\n              "),
		   list_join(&of->mem, &change[2], ", "));
}

static void print_json(struct inspection *of)
{
	struct list change[PLACES] = {{0}};
	struct mem *mem = &of->mem;
	const char *before = "";

	find_changes(of, change);
	diag_print("{\"states\":[");
	for (const struct process *each = of->processes; each; each = each->next) {
		if (each->state != each)
			continue;
		const struct status *status = &each->status;
		const struct list gains = gains_of(mem, status);
		diag_print("%s{\"processes\":[", before);
		for (const struct process *one = each; one; one = one->next)
			if (one->state == each)
				diag_print("%s{\"pid\":%u,\"tid\":%u,\"name\":%s}", one == each ? "" : ",", one->pid,
					   one->tid, json_quoted(mem, one->status.name));
		diag_print("],%s,\"noNewPrivileges\":%s,\"seccomp\":{\"filtered\":%s,\"filters\":%u},\"gains\":%s}",
			   json_held(mem, &status->held), status->no_new_privs ? "true" : "false",
			   status->filtered ? "true" : "false", status->filters, json_strings(mem, &gains));
		before = ",";
	}
	diag_print(
		"],\"setuid\":%s,\"fileCapabilities\":%s,\"writablePath\":%s,\"change\":{\"docker\":%s,\"compose\":%s,"
		"\"kubernetes\":%s}}\n",
		json_strings(mem, &of->setuid), json_strings(mem, &of->capable), json_strings(mem, &of->writable),
		json_strings(mem, &change[0]), json_strings(mem, &change[1]), json_strings(mem, &change[2]));
}

/* The root directory of the process WHICH, which may be in another container. NULL: it cannot be examined. */
static const char *image_of(struct mem *mem, const char *which)
{
	const char *root = mem_format(mem, "/proc/%s/root", which);

	if (access(mem_format(mem, "%s/", root), F_OK) == 0)
		return root;
	return processes_is_ours(mem, which) ? "" : NULL;
}

int inspect(const char *which, bool json)
{
	const bool all = which && strcmp(which, "all") == 0;
	struct inspection of = {0};
	bool found = false;
	const uint32_t self = processes_self();

	if (all)
		processes_must_show(&of.mem, "inspect");
	of.processes = processes_read(&of.mem, all ? self : 0, NULL);
	for (struct process *each = of.processes; each; each = each->next)
		if (all || each->pid == (which ? text_number(which, 10, NULL) : self)) {
			inspect_process(&of, each);
			found = true;
		}
	if (!found)
		diag_die(DIAG_SYSTEM, "cannot inspect \"%s\": there is no such process", which);
	of.root = all || !which ? "" : image_of(&of.mem, which);
	if (of.root)
		look_at_image(&of);
	else
		diag_say("the image of process %s is left out: it is another container's (needs CAP_SYS_PTRACE)",
			 which);
	if (json)
		print_json(&of);
	else
		print_text(&of);
	return 0;
}
