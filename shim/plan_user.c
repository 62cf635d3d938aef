#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan_parts.h"
#include "trust.h"
#include "walk.h"

#define ACCOUNT_FILE_LIMIT (1024 * 1024)

/* A user and its group, as config text names them. */
struct identity {
	uint32_t uid, gid;
	const char *name, *home; /* of passwd; NULL where there is no entry */
};

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

static const char *half(struct plan *plan, const char *text, const char **rest)
{
	const char *colon = strchr(text, ':');

	*rest = colon ? colon + 1 : NULL;
	return colon ? mem_copy(&plan->problems.mem, text, (size_t)(colon - text)) : text;
}

static bool bad_id(struct plan *plan, const struct node *node, const char *kind, const char *text)
{
	yaml_problem(&plan->problems, node,
		     "\"%s\" is not a %s id: ids are whole numbers from 0 to 4294967294, "
		     "written without a sign, blanks or leading zeros",
		     text, kind);
	return false;
}

static void read_account_file(struct plan *plan, const char *file,
			      void (*parse)(struct accounts *, struct problems *, const char *, const char *, size_t))
{
	const char *why = NULL;
	size_t length;

	/* An image without one is fine: names then do not resolve. */
	if (faccessat(AT_FDCWD, file, F_OK, AT_EACCESS) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return;
	char *bytes = trust_read(&plan->problems.mem, file, ACCOUNT_FILE_LIMIT, &length, &why);
	if (bytes)
		parse(&plan->accounts, &plan->problems, file, bytes, length);
	else
		problem_add(&plan->problems, file, 0, 0, "%s", why);
}

/* The accounts with the group file, which is read when the first question about a group comes up. */
static const struct accounts *with_groups(struct plan *plan)
{
	if (!plan->accounts.groups_read)
		read_account_file(plan, "/etc/group", accounts_parse_groups);
	plan->accounts.groups_read = true;
	return &plan->accounts;
}

/* The user half: a name of passwd, or an id. ENTRY is NULL where there is none. */
static bool find_user(struct plan *plan, const struct node *node, const char *text, uint32_t *uid,
		      const struct account **entry)
{
	if (all_digits(text)) {
		if (!accounts_id(text, uid))
			return bad_id(plan, node, "user", text);
		*entry = accounts_user_by_id(&plan->accounts, *uid);
		return true;
	}
	*entry = *text ? accounts_user(&plan->accounts, text) : NULL;
	if (*entry) {
		*uid = (*entry)->uid;
		return true;
	}
	yaml_problem(&plan->problems, node,
		     "\"%s\" is neither a user in /etc/passwd nor a user id: add the user to the "
		     "image, name it under accounts, or write a numeric UID:GID",
		     text);
	return false;
}

static bool find_group(struct plan *plan, const struct node *node, const char *text, uint32_t *gid)
{
	if (all_digits(text))
		return accounts_id(text, gid) || bad_id(plan, node, "group", text);

	const struct account_group *entry = *text ? accounts_group(with_groups(plan), text) : NULL;
	if (entry) {
		*gid = entry->gid;
		return true;
	}
	if (!*text) {
		yaml_problem(&plan->problems, node,
			     "there is no group behind the colon: leave the colon out, or write it");
		return false;
	}
	yaml_problem(&plan->problems, node,
		     "\"%s\" is neither a group in /etc/group nor a group id: add the group to "
		     "the image, or write a numeric id",
		     text);
	return false;
}

/* NAME, UID, NAME:GROUP or UID:GROUP. */
static bool find_identity(struct plan *plan, const struct node *node, const char *text, struct identity *to)
{
	const struct account *entry;
	const char *group;
	const char *user = half(plan, text, &group);

	if (!find_user(plan, node, user, &to->uid, &entry))
		return false;
	to->name = entry ? entry->name : NULL;
	to->home = entry ? entry->home : NULL;
	if (group)
		return find_group(plan, node, group, &to->gid);
	if (!entry) {
		yaml_problem(&plan->problems, node,
			     "user id %s has no entry in /etc/passwd: write its group as well, "
			     "such as \"%s:%s\"",
			     user, user, user);
		return false;
	}
	to->gid = entry->gid;
	return true;
}

/* Group 0 opens what root's group may read: it is only given to who writes it down. */
static bool group_zero_written(const struct node *node)
{
	const char *colon = strchr(node->text, ':');

	return colon && (strcmp(colon, ":0") == 0 || strcmp(colon, ":root") == 0);
}

struct wish_text {
	const char *name, *uid, *gid, *home, *shell;
};

static void read_text(struct plan *plan, const struct node *node, void *to)
{
	*(const char **)to = value_text(plan, node);
}

static void read_wish(struct plan *plan, const struct node *node, void *to)
{
	struct wish_text text = {0};
	struct account_wish *wish = &plan->wishes[plan->nwishes];
	const struct {
		const char *name;
		const char **to;
	} fields[] = {{"name", &text.name},
		      {"uid", &text.uid},
		      {"gid", &text.gid},
		      {"home", &text.home},
		      {"shell", &text.shell}};
	static const struct key keys[] = {{"name", NULL},  {"uid", NULL},  {"gid", NULL},    {"home", NULL},
					  {"shell", NULL}, {"when", NULL}, {"unless", NULL}, {NULL, NULL}};

	(void)to;
	value_map(plan, node, keys, NULL);
	if (node->kind != NODE_MAP || !plan_when_now(plan, node))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct node *field = yaml_get(node, fields[i].name);
		if (field)
			read_text(plan, field, fields[i].to);
		else if (i < 3)
			yaml_problem(&plan->problems, node, "an account needs name, uid and gid: write \"%s:\"",
				     fields[i].name);
	}
	/* Variables that only the start sets: here the name is enough, for `user` may be it. */
	if (plan->mode != PLAN_RUN && yaml_get(node, "uid") && yaml_get(node, "gid")) {
		text.uid = text.uid ? text.uid : "65533";
		text.gid = text.gid ? text.gid : "65533";
	}
	if (!text.name || !text.uid || !text.gid)
		return;
	if (!accounts_id(text.uid, &wish->uid)) {
		bad_id(plan, yaml_get(node, "uid"), "user", text.uid);
		return;
	}
	if (!accounts_id(text.gid, &wish->gid)) {
		bad_id(plan, yaml_get(node, "gid"), "group", text.gid);
		return;
	}
	wish->name = text.name;
	wish->home = text.home;
	wish->shell = text.shell;
	const char *why = accounts_apply(&plan->accounts, wish);
	if (why)
		yaml_problem(&plan->problems, node, "account \"%s\": %s", wish->name, why);
	else
		plan->nwishes++;
}

void plan_accounts(struct plan *plan, const struct node *node, void *to)
{
	plan->accounts.mem = &plan->problems.mem;
	read_account_file(plan, "/etc/passwd", accounts_parse_users);
	if (!node)
		return;
	(void)with_groups(plan);
	plan->wishes = mem_array(&plan->problems.mem, node->count + 1, sizeof(*plan->wishes));
	value_each(plan, node, read_wish, to);
}

/* Supplementary groups while they are collected: ascending, none twice. */
struct group_list {
	uint32_t *gids;
	size_t count, room;
	bool good;
};

/* Room for all that can be: every group of the file, of the start, and MORE that the config writes. */
static struct group_list no_groups(struct plan *plan, size_t more)
{
	struct group_list list = {.room = plan->start.ngroups + more + 1, .good = true};

	for (const struct account_group *g = with_groups(plan)->groups; g; g = g->next)
		list.room++;
	list.gids = mem_array(&plan->problems.mem, list.room, sizeof(*list.gids));
	return list;
}

/* The groups of the start that the container runtime added: not gid 0, and none that the group file gives to root. */
static bool add_start_groups(struct plan *plan, struct group_list *list)
{
	for (size_t i = 0; i < plan->start.ngroups; i++) {
		uint32_t gid = plan->start.groups[i];
		bool roots = gid == 0;
		for (const struct account_group *g = plan->accounts.groups; g && !roots; g = g->next)
			for (size_t m = 0; g->gid == gid && m < g->members.count && !roots; m++)
				roots = strcmp(g->members.items[m], "root") == 0;
		if (!roots && !accounts_add_gid(list->gids, &list->count, list->room, gid))
			return false;
	}
	return true;
}

static bool add_auto(struct plan *plan, struct group_list *list)
{
	if (plan->user_name &&
	    !accounts_member_of(&plan->accounts, plan->user_name, list->gids, &list->count, list->room))
		return false;
	return add_start_groups(plan, list);
}

/* The group of a device or socket, whatever its number is on this host. */
static bool group_of(struct plan *plan, const struct node *node, const char *path, uint32_t *gid)
{
	struct walk_where where;
	struct stat st;
	char why[512];

	if (path[0] != '/') {
		yaml_problem(&plan->problems, node, "\"%s\" must be an absolute path: write group_of:/path", path);
		return false;
	}
	/* Whoever could put another file there would choose the group. */
	int fd = walk_open(path, WALK_FOLLOW | WALK_TRUSTED, &where);
	if (fd < 0 || walk_fstat(fd, &st) != 0) {
		plan->problems.pending += errno == ENOENT;
		yaml_problem(&plan->problems, node, "cannot open \"%s\": %s (mount it, or name the group itself)", path,
			     walk_why(why, sizeof(why), errno, &where));
		return false;
	}
	close(fd);
	*gid = st.st_gid;
	if (st.st_gid != 0)
		return true;
	yaml_problem(&plan->problems, node,
		     "\"%s\" belongs to group 0, which is only given where it is written: write 0 if it is meant",
		     path);
	return false;
}

static void read_group(struct plan *plan, const struct node *node, void *to)
{
	struct group_list *list = to;
	const char *text = value_fixed(plan, node);
	uint32_t gid = 0;
	bool good = text != NULL;

	if (text && strcmp(text, "auto") == 0) {
		list->good &= add_auto(plan, list);
		return;
	}
	if (text && strncmp(text, "group_of:", 9) == 0)
		good = group_of(plan, node, text + 9, &gid);
	else if (text)
		good = find_group(plan, node, text, &gid);
	if (good && gid == 0 && strcmp(text, "0") != 0 && strcmp(text, "root") != 0) {
		yaml_problem(&plan->problems, node,
			     "\"%s\" is group 0, which is only given where it is written: write 0", text);
		good = false;
	}
	list->good &= good && accounts_add_gid(list->gids, &list->count, list->room, gid);
}

static void read_groups(struct plan *plan, const struct node *node)
{
	/* `none` must not depend on a group file, which an image may not have; nor does `auto` where it can find nothing. */
	if (node ? node->kind == NODE_SCALAR && strcmp(node->text, "none") == 0
		 : !plan->user_name && plan->start.ngroups == 0)
		return;
	struct group_list list = no_groups(plan, node ? node->count : 0);
	if (!node)
		list.good = add_auto(plan, &list);
	else
		value_each(plan, node, read_group, &list);
	plan->workload.groups = list.gids;
	plan->workload.ngroups = list.count;
}

static void no_root_group(struct plan *plan, const struct node *node, const struct identity *user)
{
	if (user->gid == 0 && user->uid != 0 && !group_zero_written(node))
		yaml_problem(&plan->problems, node,
			     "\"%s\" has group 0: write the group, such as \"%s:0\" if it is meant", node->text,
			     user->name ? user->name : "UID");
}

static void no_root(struct plan *plan, const struct node *node, const struct identity *user)
{
	if (user->uid == 0 && !plan->allow_root)
		yaml_problem(&plan->problems, node,
			     "\"%s\" is root: name another user, or write \"allow_root: true\" for "
			     "a root without capabilities",
			     node->text);
	no_root_group(plan, node, user);
}

void plan_identity(struct plan *plan, const struct node *root)
{
	const struct node *node = yaml_get(root, "user");
	const char *text = node ? value_text(plan, node) : NULL;
	/* Without a user nothing is ever executed: an init container's end, or a pause that needs no name. */
	struct identity user = {.uid = 65534, .gid = 65534};

	if (!node && plan->command == COMMAND_RUN)
		yaml_problem(&plan->problems, root,
			     "no \"user\": write the user that the workload runs as, such as "
			     "\"user: app\" or \"user: 1000:1000\"");
	if (text && find_identity(plan, node, text, &user))
		no_root(plan, node, &user);
	plan->workload.uid = user.uid;
	plan->workload.gid = user.gid;
	plan->user_name = user.name;
	plan->home = user.home;
	read_groups(plan, yaml_get(root, "supplementary_groups"));
	if (!plan->nonroot)
		return;

	/* Ids of a start without root stay the runtime's. */
	const struct account *entry = accounts_user_by_id(&plan->accounts, plan->start.euid);
	plan->workload.uid = plan->start.euid;
	plan->workload.gid = plan->start.egid;
	plan->workload.groups = plan->start.groups;
	plan->workload.ngroups = plan->start.ngroups;
	plan->user_name = entry ? entry->name : NULL;
	plan->home = entry ? entry->home : NULL;
}

/* OWNER, OWNER:GROUP, "OWNER:" (its login group), ":GROUP", or workload. */
bool plan_owner(struct plan *plan, const struct node *node, struct owner *to)
{
	const struct account *entry = NULL;
	const char *text = value_text(plan, node);
	const char *group;

	*to = (struct owner){ACCOUNTS_NO_ID, ACCOUNTS_NO_ID};
	/* A variable that only the start sets: somebody else than root, as accounts take it for. */
	if (!text && plan->mode != PLAN_RUN)
		*to = (struct owner){65533, 65533};
	if (!text)
		return plan->mode != PLAN_RUN;
	if (strcmp(text, "workload") == 0) {
		*to = (struct owner){plan->workload.uid, plan->workload.gid};
		return true;
	}
	const char *user = half(plan, text, &group);
	if (*user || !group)
		if (!find_user(plan, node, user, &to->uid, &entry))
			return false;
	if (group && *group)
		return find_group(plan, node, group, &to->gid);
	if (!group)
		return true;
	if (!entry) {
		yaml_problem(&plan->problems, node, "\"%s\" has no login group: write the group behind the colon",
			     text);
		return false;
	}
	to->gid = entry->gid;
	return true;
}

bool plan_step_user(struct plan *plan, const struct node *user, const struct node *cap_add, struct step_user *to)
{
	struct identity who = {0};
	const char *text = user ? value_fixed(plan, user) : NULL;

	to->narrowed = user || cap_add;
	if (!to->narrowed)
		return true;
	struct group_list groups = no_groups(plan, 0);
	if (user && (!text || (strcmp(text, "workload") != 0 && !find_identity(plan, user, text, &who))))
		return false;
	if (user)
		no_root_group(plan, user, &who);
	if (plan->nonroot || (text && strcmp(text, "workload") == 0)) {
		who = (struct identity){plan->workload.uid, plan->workload.gid, plan->user_name, plan->home};
		groups.gids = (uint32_t *)plan->workload.groups;
		groups.count = plan->workload.ngroups;
	} else if (who.name &&
		   !accounts_member_of(&plan->accounts, who.name, groups.gids, &groups.count, groups.room)) {
		return false;
	}
	to->name = who.name;
	to->home = who.home;
	to->want.uid = who.uid;
	to->want.gid = who.gid;
	to->want.groups = groups.gids;
	to->want.ngroups = groups.count;
	if (cap_add)
		plan_capabilities(plan, cap_add, &to->want.keep);
	if (!plan->refused)
		plan->refused = drop_plan(&to->want, &plan->start, &plan->problems.mem);
	return true;
}
