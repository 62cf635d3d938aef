#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "base/path.h"
#include "config/config.h"
#include "explain/parts.h"
#include "steps/common/owner.h"
#include "steps/step.h"
#include "steps/verb.h"
#include "workload/program.h"

#define ENTRIES_MAX 8192 /* the most entries of a directory of PATH that are examined */
#define NAMES_MAX 512    /* bytes of a list of names */

/* What an attacker who controls the workload gains; a '!' in front means as good as root. */
static const char *const gains[] = {
	[CAP_CHOWN] = "!gives any file to itself",
	[CAP_DAC_OVERRIDE] = "!reads and writes any file",
	[CAP_DAC_READ_SEARCH] = "!reads any file",
	[CAP_FOWNER] = "!changes mode and attributes of any file",
	[CAP_FSETID] = "makes set-group-id files for groups it is not in",
	[CAP_KILL] = "signals any process of the container",
	[CAP_SETGID] = "!becomes any group, root's among them",
	[CAP_SETUID] = "!becomes any user, root among them",
	[CAP_SETPCAP] = "raises inheritable capabilities from the bounding set",
	[CAP_LINUX_IMMUTABLE] = "makes files immutable",
	[CAP_NET_BIND_SERVICE] = "listens on ports below 1024",
	[CAP_NET_BROADCAST] = "sends broadcasts",
	[CAP_NET_ADMIN] = "reconfigures the network of the container",
	[CAP_NET_RAW] = "forges and reads packets of the container's network",
	[CAP_IPC_LOCK] = "locks any amount of memory",
	[CAP_IPC_OWNER] = "reads and writes any System V IPC object",
	[CAP_SYS_MODULE] = "!loads code into the kernel",
	[CAP_SYS_RAWIO] = "!reads and writes physical memory and ports",
	[CAP_SYS_CHROOT] = "leaves a chroot",
	[CAP_SYS_PTRACE] = "!takes over any process of the container",
	[CAP_SYS_PACCT] = "switches process accounting",
	[CAP_SYS_ADMIN] = "!mounts, and so much else that it is root",
	[CAP_SYS_BOOT] = "!reboots, loads another kernel",
	[CAP_SYS_NICE] = "raises priorities, moves processes between processors",
	[CAP_SYS_RESOURCE] = "goes beyond limits and quotas",
	[CAP_SYS_TIME] = "sets the clock of the host",
	[CAP_SYS_TTY_CONFIG] = "reconfigures terminals",
	[CAP_MKNOD] = "!makes device files",
	[CAP_LEASE] = "takes leases on any file",
	[CAP_AUDIT_WRITE] = "writes to the audit log",
	[CAP_AUDIT_CONTROL] = "switches auditing off",
	[CAP_SETFCAP] = "!gives file capabilities",
	[CAP_MAC_OVERRIDE] = "!goes past Smack's rules",
	[CAP_MAC_ADMIN] = "!changes Smack's rules",
	[CAP_SYSLOG] = "reads the kernel's log and addresses",
	[CAP_WAKE_ALARM] = "wakes the host",
	[CAP_BLOCK_SUSPEND] = "keeps the host awake",
	[CAP_AUDIT_READ] = "reads the audit log",
	[CAP_PERFMON] = "observes the whole host's performance counters",
	[CAP_BPF] = "!loads BPF programs",
	[CAP_CHECKPOINT_RESTORE] = "restores processes with chosen ids",
};

const char *explain_gain(unsigned int capability, bool *root)
{
	const char *text =
		capability < sizeof(gains) / sizeof(*gains) ? gains[capability] : "!gains what is not known here";

	*root = text[0] == '!';
	return text + *root;
}

/* What a child holds that switches users or groups itself: capabilities(7), "Effect of user ID changes". */
static const char *after_switch(const struct plan *plan, unsigned int cap)
{
	if (cap == CAP_SETGID)
		return ": it can join any group, such as shadow or disk, and keeps all of cap_add when it does";
	if (cap != CAP_SETUID)
		return "";
	if (plan->workload.uid == 0)
		return ": it can become any user. A child that switches from uid 0 to another user loses its "
		       "capabilities, unless it sets PR_SET_KEEPCAPS before";
	return ": it can become any user, uid 0 included. A child that switches to another user than uid 0 keeps all "
	       "of cap_add";
}

static void warn_kept(struct plan *plan, struct list *to)
{
	bool root;

	for (unsigned int cap = 0; cap < EXPLAIN_CAPS; cap++)
		if (plan->workload.keep & CAPABILITY_BIT(cap) && explain_gain(cap, &root) && root)
			list_format(plan->mem, to, "the workload keeps %s, which is as good as root%s",
				    capability_name(cap).text, after_switch(plan, cap));
	if (plan->group_chosen)
		list_format(plan->mem, to,
			    "line %u: whoever sets the variable chooses the workload's group, and so the files "
			    "that it can open: 42 is shadow on Debian. Write the group out where you can",
			    plan->group_chosen);
	if (plan->workload.keep & CAPABILITY_BIT(CAP_NET_BIND_SERVICE))
		list_add(plan->mem, to,
			 "NET_BIND_SERVICE is not needed where net.ipv4.ip_unprivileged_port_start is 0: Docker (since "
			 "20.10), Podman and containerd 2 set that in their containers");
	if (plan->allow_root && plan->workload.uid == 0)
		list_add(plan->mem, to, "the workload is uid 0: every file of root's is its own");
}

static void warn_program(struct plan *plan, const char *path, struct list *to)
{
	struct mem *mem = plan->mem;
	const char *denied, *file;
	struct program program;
	int error;

	if (plan->argv.count == 0)
		return;
	file = program_find(mem, plan->argv.items[0], path, &error, &denied);
	if (!file)
		return;
	program_read(&program, mem, READ_AS_ROOT, file);
	for (size_t i = 0; i < program.count; i++)
		if (program.files[i].caps.present)
			list_format(mem, to,
				    "\"%s\" has file capabilities (%s), which no_new_privs makes useless: setcap -r",
				    program.files[i].path,
				    capability_list(mem, program.files[i].caps.permitted |
								 program.files[i].caps.inheritable));
}

bool explain_may(const struct privileges *who, const struct stat *stat, mode_t bit)
{
	if (stat->st_uid == who->uid)
		return stat->st_mode & bit << 6;
	if (stat->st_gid == who->gid || gids_have(who->groups, who->ngroups, stat->st_gid))
		return stat->st_mode & bit << 3;
	return stat->st_mode & bit;
}

/* Adds the set-user-ID programs owned by root in the directory FD to NAMES. */
static const char *setid_names(struct mem *mem, int fd, const char *path, const char *names)
{
	DIR *dir = fd_list(fd);
	const char *name;
	struct stat stat;

	for (int i = 0; i < ENTRIES_MAX && strlen(names) < NAMES_MAX && (name = fd_next(dir)); i++)
		if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(stat.st_mode) &&
		    stat.st_mode & S_ISUID && stat.st_uid == 0)
			names = mem_format(mem, "%s %s/%s", names, path, name);
	(void)fd_end(dir);
	return names;
}

static void warn_path(struct plan *plan, const char *path, struct list *to)
{
	struct mem *mem = plan->mem;
	const char *setid = "";

	for (const char *name; (name = path_next(mem, &path));) {
		struct stat stat;
		int fd = openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if ((fd_fstat(fd, &stat) == 0 && explain_may(&plan->workload, &stat, S_IWOTH)) ||
		    explain_given(plan, plan->nsteps, name, false))
			list_format(mem, to, "%s is in PATH, and the workload can put programs there", name);
		/* /bin is often a link to /usr/bin: once is enough. */
		if (readlink(name, (char[1]){0}, 1) < 0)
			setid = setid_names(mem, fd, name, setid);
		close(fd);
	}
	if (*setid) /* no_new_privs disables them, but not for processes started beside the workload */
		list_format(mem, to, "set-user-ID programs help whoever gets in by \"docker exec\":%s", setid);
}

/* Warns if an earlier step gave a directory above PATH away: its owner can do WHAT. */
static void warn_given(struct plan *plan, size_t number, const char *path, const char *what, struct list *to)
{
	const struct step *step = &plan->steps[number];

	if (explain_given(plan, number, path, true))
		list_format(plan->mem, to,
			    "line %u: %s \"%s\" lies in a directory that is given away: its owner can %s", step->line,
			    step->verb->name, path, what);
}

/* Warns if a step creates or enters something there. */
static void warn_foreign(struct plan *plan, size_t number, struct list *to)
{
	const struct step *step = &plan->steps[number];
	bool secret = step->owner_written && step->owner.uid == 0 && step->mode_written && !(step->mode & S_IROTH);

	for (size_t i = 0; i < step->items.count; i++) {
		const char *path = step->items.items[i];
		if (secret)
			warn_given(plan, number, step->to ? step->to : path,
				   "move what only root may read to where a chown or chmod opens it", to);
		if (step->cross_mounts)
			warn_given(plan, number, step->source ? step->source : path,
				   "move the mount point of another mount there (cross_mounts)", to);
	}
}

/* Does STEP run something at or below PATH as root, or show it every variable? Root must own that, and is all that is asked. */
static bool trusts(const struct step *step, const char *path)
{
	const struct verb *verb = step->skipped ? NULL : step->verb;

	if (!verb || config_conditions_run(step->conditions, path, true))
		return verb != NULL;
	if (verb->runs || step->program ? step->user.want.uid != 0
					: strcmp(verb->name, "template") != 0 || step->variables.count)
		return false;
	const size_t count = verb->value == VERB_ARGV || step->program ? 1 : step->items.count;
	for (size_t i = 0; i < count; i++)
		if (path_below(step->items.items[i], path))
			return true;
	return false;
}

/* Warns if a step makes root the owner of what others may have put there, and a later step trusts it for that. */
static void warn_adopted(struct plan *plan, size_t number, struct list *to)
{
	const struct step *step = &plan->steps[number];
	const bool chown = step->verb->owner_is_workload;

	if (step->to ? owner_gives(step) : step->owner.uid != 0 || !(chown || step->if_exists))
		return;
	for (size_t i = 0; i < step->items.count; i++) {
		const char *path = step->items.items[i];
		for (size_t j = number + 1; j < plan->nsteps; j++)
			if (trusts(&plan->steps[j], step->to ? step->to : path) &&
			    (chown || explain_given(plan, plan->nsteps, path, false)))
				list_format(plan->mem, to,
					    "line %u: %s makes root the owner of what others may have put into \"%s\", "
					    "and line %u trusts that: take it from the image",
					    step->line, step->verb->name, path, plan->steps[j].line);
	}
}

/* May the workload's user do what BIT says to PATH, which has no link in it, and enter every directory above? */
static bool reaches(const struct plan *plan, const char *path, mode_t bit)
{
	struct stat stat;

	for (const char *end = path; end; end = strchr(end + 1, '/')) {
		const char *above = end == path ? "/" : mem_copy(plan->mem, path, (size_t)(end - path));
		if (lstat(above, &stat) != 0 || !S_ISDIR(stat.st_mode) || !explain_may(&plan->workload, &stat, S_IXOTH))
			return false;
	}
	return lstat(path, &stat) == 0 && !S_ISLNK(stat.st_mode) && explain_may(&plan->workload, &stat, bit);
}

/* Would an engine start the workload's user with a group of root's, which capshim then refuses? */
static bool has_groups_of_root(const struct plan *plan)
{
	for (const struct account *group = plan->accounts.groups; group && plan->user_name; group = group->next)
		if (list_has(&group->members, plan->user_name) &&
		    (group->gid == 0 || accounts_root_has(&plan->accounts, group->gid)))
			return true;
	return false;
}

/* Apart from the setup. The drop itself only needs what a start as the user does not have to drop. */
static bool needs_root(const struct plan *plan, const struct explanation *explained)
{
	const uint64_t drop = CAPABILITY_BIT(CAP_SETGID) | CAPABILITY_BIT(CAP_SETUID) | CAPABILITY_BIT(CAP_SETPCAP);

	return explain_set(explained->always) & ~drop || plan->workload.keep || plan->optional ||
	       plan->imports != IMPORTS_NONE || plan->workload.uid == 0 || plan->root_only ||
	       has_groups_of_root(plan) || (plan->working_dir && !reaches(plan, plan->working_dir, S_IXOTH)) ||
	       (!plan->options && plan->file[0] == '/' && !reaches(plan, plan->file, S_IROTH));
}

void explain_warn(struct plan *plan, struct explanation *to)
{
	const char *path = config_search_path(plan);
	struct mem *mem = plan->mem;
	bool root = plan->nwishes || !plan->run_setup || needs_root(plan, to);

	for (size_t i = 0; i < plan->nsteps; i++) {
		const struct step *step = &plan->steps[i];
		root |= !step->skipped;
		if (!step->skipped && step->verb) {
			warn_foreign(plan, i, &to->warnings);
			warn_adopted(plan, i, &to->warnings);
		}
		if (!step->skipped && step->verb && step->verb->runs && !step->user.narrowed)
			list_format(mem, &to->warnings,
				    "line %u: %s starts \"%s\" with all that the container has, and without a "
				    "filter: write user or cap_add",
				    step->line, step->verb->name, step->items.count ? step->items.items[0] : "");
	}
	if (plan->init.on && plan->workload.keep & CAPABILITY_BIT(CAP_SETUID))
		list_add(
			mem, &to->warnings,
			"init: a process that becomes another user by CAP_SETUID (exec gosu app) gets no signal from the init, "
			"whatever cap_add says: where that is the whole workload, write that user as \"user\"");
	if (plan->imports == IMPORTS_ANY)
		list_add(
			mem, &to->warnings,
			"file_environment: whoever sets a variable (DB_PASSWORD_FILE=/etc/shadow) chooses what root reads "
			"for the workload: write {names: [..], below: /run/secrets}");
	filter_explain_changes(mem, &plan->filter_changes, &to->warnings);
	if (plan->command != COMMAND_NONE) {
		warn_kept(plan, &to->warnings);
		warn_program(plan, path, &to->warnings);
		warn_path(plan, path, &to->warnings);
	}
	if (!root)
		list_add(
			mem, &to->warnings,
			"nothing here needs root: start the container as the user itself, with its group (USER, runAsUser and runAsGroup)");
}
