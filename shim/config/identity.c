#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/glob.h"
#include "config/parts.h"
#include "privilege/drop.h"
#include "walk/walk.h"

#define GLOB_GROUPS 64 /* the most different groups that the globs of group_of may find */

/*
 * Group 0 may read what root's group may read, so it is only given if the config writes it: at the end, because what stands
 * in a reference, such as ${PUID:-1000:0}, is only written for some environments.
 */
static bool group_zero_written(const struct node *node)
{
	const char *colon = strrchr(node->text, ':');

	return colon && (strcmp(colon, ":0") == 0 || strcmp(colon, ":root") == 0);
}

/* Makes room for every group of the file and of the start, and for MORE that the config writes or globs find. */
static struct gids no_groups(struct plan *plan, size_t more)
{
	struct gids groups = {.room = plan->start.ngroups + more + GLOB_GROUPS};

	for (const struct account *g = account_groups(plan); g; g = g->next)
		groups.room++;
	groups.ids = mem_array(plan->mem, groups.room, sizeof(*groups.ids));
	return groups;
}

/* The supplementary groups of the workload while they are collected. */
struct group_list {
	struct gids gids;
	const char *own; /* the user whose groups of the group file belong to `auto`, or NULL */
};

/* May the start have the group GID because it is root: by the files, or as its own (docker run --user 0:6)? */
static bool has_root(const struct plan *plan, uint32_t gid)
{
	return gid == 0 || (plan->start.euid == 0 && gid == plan->start.egid) ||
	       accounts_root_has(&plan->accounts, gid);
}

/* Adds the groups that the container runtime added for other reasons than that the start is root. */
static void add_runtime(const struct plan *plan, struct group_list *list)
{
	for (size_t i = 0; i < plan->start.ngroups; i++)
		if (!has_root(plan, plan->start.groups[i]))
			gids_add(&list->gids, plan->start.groups[i]);
}

/*
 * Adds the groups that have NAME as a member. A line that ends as on Windows has it with a carriage return, for the C library
 * too.
 */
static void add_groups_with(struct plan *plan, const char *name, struct gids *to)
{
	const char *odd = mem_format(plan->mem, "%s\r", name);

	gids_add_of(to, &plan->accounts, name);
	for (const struct account *group = plan->accounts.groups; group; group = group->next)
		if (list_has(&group->members, odd)) {
			problem_add(
				&plan->problems, "/etc/group", 0, 0,
				"it has Windows line endings (CRLF), so \"%s\" is no member of group \"%s\": convert "
				"it, for example with dos2unix",
				name, group->name);
			return;
		}
}

static void add_auto(struct plan *plan, struct group_list *list)
{
	if (list->own)
		add_groups_with(plan, list->own, &list->gids);
	add_runtime(plan, list);
}

/*
 * Opens PATH to read its owner, its group or its entries, for the word OF. -1: a problem was added, with what to write
 * INSTEAD, unless it may be missing (OPTIONAL).
 */
static int open_ids_of(struct plan *plan, const struct node *node, const char *of, const char *path, bool optional,
		       const char *instead)
{
	struct walk_where where;

	if (path[0] != '/') {
		value_problem(plan, node, "\"%s\" must be an absolute path: write %s:/path", path, of);
		return -1;
	}
	/* A user who could put another file there would choose the ids. */
	int fd = walk_open(path, WALK_FOLLOW | WALK_TRUSTED, &where);
	if (fd >= 0 || (optional && (errno == ENOENT || errno == ENOTDIR)))
		return fd;
	plan->problems.pending += errno == ENOENT;
	value_problem(plan, node, "cannot open \"%s\": %s (mount it, %s)", path, walk_why(plan->mem, errno, &where),
		      instead);
	return -1;
}

#define INSTEAD "name the group itself, or write {group_of: PATH, optional: true}"

/* Adds the group of a device or socket, whatever its number is on this host. */
static void add_group_of(struct plan *plan, const struct node *node, const char *path, bool optional, struct gids *to)
{
	const int fd = open_ids_of(plan, node, "group_of", path, optional, INSTEAD);
	struct stat st;

	if (fd < 0)
		return;
	if (fd_fstat(fd, &st) != 0)
		value_problem(plan, node,
			      "cannot read the group of \"%s\": mount another file, or name the group itself", path);
	else if (st.st_gid == 0)
		value_problem(
			plan, node,
			"\"%s\" belongs to group 0, which is only given where it is written: write 0 if it is meant",
			path);
	else
		gids_add(to, st.st_gid);
	close(fd);
}

/*
 * Adds the groups of everything that the glob in the last component of PATH matches. Closes FD, its directory. Was there
 * a match?
 */
static bool add_groups_of(struct plan *plan, const struct node *node, const char *path, int fd, struct gids *to)
{
	const char *last = strrchr(path, '/');
	DIR *dir = fd_list(fd);
	bool any = false;

	close(fd);
	for (const char *entry; (entry = fd_next(dir));)
		if (entry[0] != '.' && glob_match(last + 1, entry)) {
			const char *name = mem_format(plan->mem, "%.*s/%s", (int)(last - path), path, entry);
			add_group_of(plan, node, name, true, to);
			any = true;
		}
	(void)fd_end(dir);
	return any;
}

/* Adds the group of PATH, whose last component may be a glob. OPTIONAL: some hosts do not have it. */
static void group_of(struct plan *plan, const struct node *node, const char *path, bool optional, struct gids *to)
{
	const char *last = strrchr(path, '/');

	if (last && strcspn(path, "*?[") < (size_t)(last - path) && access(path, F_OK) != 0) {
		value_problem(plan, node, "\"%s\": only the last component may be a glob: write the rest out", path);
		return;
	}
	if (path[0] != '/' || !strpbrk(last, "*?[")) {
		add_group_of(plan, node, path, optional, to);
		return;
	}
	const char *parent = last == path ? "/" : mem_copy(plan->mem, path, (size_t)(last - path));
	const int fd = open_ids_of(plan, node, "group_of", parent, optional, INSTEAD);
	if (fd < 0 || add_groups_of(plan, node, path, fd, to) || optional)
		return;
	plan->problems.pending++;
	value_problem(plan, node, "nothing matches \"%s\": mount it, or write {group_of: PATH, optional: true}", path);
}

static void read_group_of(struct plan *plan, const struct node *node, struct gids *to)
{
	const struct node *path = yaml_get(node, "group_of"), *optional = yaml_get(node, "optional");
	bool may = false;

	(void)value_keys(plan, node, NAMES("group_of", "optional"));
	if (!path)
		value_problem(plan, node, "write {group_of: PATH, optional: true}");
	else if ((!optional || value_bool(plan, optional, &may)) && value_fixed(plan, path))
		group_of(plan, path, path->text, may, to);
}

static void read_group(struct plan *plan, const struct node *node, void *to)
{
	struct group_list *list = to;
	uint32_t gid = 0;

	if (node->kind == NODE_MAP) {
		read_group_of(plan, node, &list->gids);
		return;
	}
	const char *text = value_fixed(plan, node);
	if (!text)
		return;
	if (strcmp(text, "auto") == 0)
		add_auto(plan, list);
	else if (strcmp(text, "runtime") == 0)
		add_runtime(plan, list);
	else if (strncmp(text, "group_of:", 9) == 0)
		group_of(plan, node, text + 9, false, &list->gids);
	else if (!*text || strcmp(text, "none") == 0)
		value_problem(plan, node,
			      *text ? "\"none\" stands alone: leave the other items out, or this one"
				    : "an item of the list is empty: name a group, or leave it out");
	else if (!account_find_group(plan, node, text, &gid))
		return;
	else if (gid == 0 && strcmp(text, "0") != 0 && strcmp(text, "root") != 0)
		value_problem(plan, node, "\"%s\" is group 0, which is only given where it is written: write 0", text);
	else
		gids_add(&list->gids, gid);
}

/*
 * `auto` means `runtime` if `user` names a group, as with Docker's --user, gosu and su-exec; and in a start without
 * root, for which the engine has added the user's own groups already.
 */
static void read_groups(struct plan *plan, const struct node *node, const struct identity *user)
{
	const char *own = user->group_written || plan->nonroot ? NULL : user->name;
	const char *word = node && node->kind == NODE_SCALAR ? node->text : "";

	/* A start as the user has what the engine gives. */
	plan->root_only |= node && strcmp(word, "auto") != 0 && strcmp(word, "runtime") != 0;
	/*
	 * `none` must not depend on a group file, which an image may not have; nor must `auto` if it can find
	 * nothing.
	 */
	if (node ? strcmp(word, "none") == 0 : !own && plan->start.ngroups == 0)
		return;
	struct group_list list = {no_groups(plan, node ? node->count : 0), own};
	if (node)
		value_each(plan, node, read_group, &list);
	else
		add_auto(plan, &list);
	if (list.gids.full) /* of globs, so there is a node */
		value_problem(plan, node, "more than %zu supplementary groups: name those that are needed",
			      list.gids.room);
	plan->workload.groups = list.gids.ids;
	plan->workload.ngroups = list.gids.count;
}

static void no_root_group(struct plan *plan, const struct node *node, const struct identity *user)
{
	if (user->gid == 0 && user->uid != 0 && !group_zero_written(node))
		value_problem(plan, node, "\"%s\" has group 0: write the group, such as \"%s:0\" if it is meant",
			      node->text, user->name ? user->name : "UID");
}

static void no_root(struct plan *plan, const struct node *node, const struct identity *user)
{
	if (user->uid == 0 && !plan->allow_root)
		value_problem(plan, node,
			      "\"%s\" is root: name another user, or write \"%s\" for a root without capabilities",
			      node->text, plan->options ? "--allow-root" : "allow_root: true");
	no_root_group(plan, node, user);
}

static bool all_in(const uint32_t *gids, size_t count, const uint32_t *others, size_t number, uint32_t gid)
{
	for (size_t i = 0; i < count; i++)
		if (gids[i] != gid && !gids_have(others, number, gids[i]))
			return false;
	return true;
}

static const char *ids_text(struct mem *mem, uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count)
{
	return mem_format(mem, "uid %u, gid %u, groups %s", uid, gid,
			  count ? start_groups(mem, groups, count, " ") : "none");
}

/*
 * A start without root cannot change its ids: they must be those of USER (the group id may be a supplementary one, where
 * engines put it), unless on_nonroot permits others. USER is the key, or NULL: no ids.
 */
static void take_ids(struct plan *plan, const struct node *user)
{
	struct privileges *who = &plan->workload;
	const struct start *start = &plan->start;
	struct mem *mem = plan->mem;

	plan->ids_taken = who->uid != start->euid || who->gid != start->egid ||
			  !all_in(start->groups, start->ngroups, who->groups, who->ngroups, who->gid) ||
			  !all_in(who->groups, who->ngroups, start->groups, start->ngroups, who->gid);
	if (plan->ids_taken && user && !plan->ids_any && !plan->refused)
		plan->refused = mem_format(
			mem,
			"it is %s, and the config names %s: start the container as root or with these ids, or permit "
			"any by \"on_nonroot: {setup: skip, ids: any}\"",
			ids_text(mem, start->euid, start->egid, start->groups, start->ngroups),
			ids_text(mem, who->uid, who->gid, who->groups, who->ngroups));
	if (plan->ids_taken) {
		const struct account *entry = accounts_user_by_id(&plan->accounts, start->euid);
		plan->user_name = entry ? entry->name : NULL;
		plan->home = entry ? entry->home : NULL;
	}
	who->uid = start->euid;
	who->gid = start->egid;
	who->groups = start->groups;
	who->ngroups = start->ngroups;
}

/*
 * owner_of:/work: the ids of a directory that is mounted there, never root's. Before a start it may still be the
 * image's directory, or missing; the real owner is known at the start.
 */
static void owner_of(struct plan *plan, const struct node *node, const char *path, struct identity *to)
{
	struct stat st;

	const int fd = open_ids_of(plan, node, "owner_of", path, false, "or name the user itself");
	const int error = fd < 0 || fd_fstat(fd, &st) == 0 ? 0 : errno;

	fd_close(fd);
	if (plan->mode >= PLAN_CHECK)
		*to = (struct identity){.uid = ACCOUNTS_SOMEBODY, .gid = ACCOUNTS_SOMEBODY, .group_written = true};
	if (fd < 0)
		return;
	if (error || !S_ISDIR(st.st_mode)) {
		value_problem(plan, node, "cannot take the owner of \"%s\": %s: name a directory", path,
			      error ? strerror(error) : "it is not a directory");
		return;
	}
	const uint32_t bad = st.st_uid == 0 || st.st_gid == 0 ? 0 : OVERFLOW_ID;
	if (st.st_uid == bad || st.st_gid == bad) {
		plan->problems.pending += plan->mode >= PLAN_CHECK && bad == 0;
		value_problem(plan, node,
			      "\"%s\" belongs to uid %u, gid %u, and the workload never runs as %s: chown it where it "
			      "comes from, or name the user itself",
			      path, st.st_uid, st.st_gid,
			      bad ? "65534, which stands for ids that are not known" : "root");
		return;
	}
	const struct account *entry = accounts_user_by_id(&plan->accounts, st.st_uid);
	*to = (struct identity){.uid = st.st_uid,
				.gid = st.st_gid,
				.name = entry ? entry->name : NULL,
				.home = entry ? entry->home : NULL,
				.group_written = true};
}

#define OWNER_OF "owner_of:"
#define OWNER_OF_LENGTH (sizeof(OWNER_OF) - 1)

void config_user(struct plan *plan, const struct node *node, void *to)
{
	struct config_root *root = to;
	const bool of = node && node->kind == NODE_SCALAR && strncmp(node->text, OWNER_OF, OWNER_OF_LENGTH) == 0;
	const char *text = !node ? NULL : of ? value_fixed(plan, node) : value_text(plan, node);
	/* Without a user nothing is executed: the end of an init container, or a pause, which needs no name. */
	struct identity user = {.uid = OVERFLOW_ID, .gid = OVERFLOW_ID};

	if (!node && plan->command == COMMAND_RUN)
		value_problem(plan, root->node, "no \"user\": write the user that the workload runs as, such as \"%s\"",
			      plan->options ? "--user app" : "user: app\" or \"user: 1000:1000");
	if (of && text)
		owner_of(plan, node, text + OWNER_OF_LENGTH, &user);
	else if (text && account_find_identity(plan, node, text, &user))
		no_root(plan, node, &user);
	plan->no_workload = !node;
	plan->workload.uid = user.uid;
	plan->workload.gid = user.gid;
	plan->user_name = user.name;
	plan->home = user.home;
	plan->group_chosen = text && strstr(node->text, "${") ? node->line : 0;
	for (size_t i = 0; i < plan->nwishes && user.name && !user.group_written; i++)
		if (plan->wishes[i].chosen && strcmp(plan->wishes[i].name, user.name) == 0)
			plan->group_chosen = plan->wishes[i].chosen;
	root->user = user;
}

/* Completes the workload's ids. */
void config_groups(struct plan *plan, const struct node *node, void *to)
{
	const struct config_root *root = to;

	read_groups(plan, node, &root->user);
	if (plan->nonroot)
		take_ids(plan, yaml_get(root->node, "user"));
}

/* OWNER, OWNER:GROUP, "OWNER:" (its login group), ":GROUP", or workload. */
bool config_owner(struct plan *plan, const struct node *node, struct owner *to)
{
	const struct account *entry = NULL;
	const char *text = value_text(plan, node);
	const char *group;

	*to = (struct owner){ACCOUNTS_NO_ID, ACCOUNTS_NO_ID};
	/* A variable that only the start sets: assume a user other than root, as accounts do. */
	if (!text && plan->mode >= PLAN_CHECK)
		*to = (struct owner){ACCOUNTS_SOMEBODY, ACCOUNTS_SOMEBODY};
	if (!text)
		return plan->mode >= PLAN_CHECK;
	if (strcmp(text, "workload") == 0)
		return config_owner_workload(plan, node, to);
	const char *user = account_half(plan, text, &group);
	if (*user || !group)
		if (!account_find_user(plan, node, user, &to->uid, &entry))
			return false;
	if (group && *group)
		return account_find_group(plan, node, group, &to->gid);
	if (group && !entry)
		return value_problem(plan, node, "\"%s\" has no login group: write the group behind the colon", text);
	if (group)
		to->gid = entry->gid;
	return true;
}

void config_step_user(struct plan *plan, const struct node *step, struct step_user *to)
{
	const struct node *user = yaml_get(step, "user"), *cap_add = yaml_get(step, "cap_add");
	const char *text = user ? value_fixed(plan, user) : NULL;
	const bool workload = text && strcmp(text, "workload") == 0;
	struct identity who = {0};

	to->narrowed = user || cap_add;
	if (to->narrowed) {
		struct gids groups = no_groups(plan, 0);
		if (user && (!text || (!workload && !account_find_identity(plan, user, text, &who))))
			return;
		if (user)
			no_root_group(plan, user, &who);
		if (plan->nonroot || workload) {
			who = (struct identity){plan->workload.uid, plan->workload.gid, plan->user_name, plan->home,
						false};
			groups.ids = (uint32_t *)plan->workload.groups;
			groups.count = plan->workload.ngroups;
		} else if (who.name && !who.group_written) {
			add_groups_with(plan, who.name, &groups);
		}
		to->name = who.name;
		to->home = who.home;
		to->want.uid = who.uid;
		to->want.gid = who.gid;
		to->want.groups = groups.ids;
		to->want.ngroups = groups.count;
		if (cap_add)
			value_capabilities(plan, cap_add, &to->want.keep);
		if (!plan->refused)
			plan->refused = drop_plan(&to->want, &plan->start, plan->mem);
	}
	config_step_seccomp(plan, yaml_get(step, "seccomp"), to);
}
