#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/path.h"
#include "input/environ.h"
#include "walk/held.h"

#define SECRET_LIMIT (1024 * 1024)
#define SUFFIX "_FILE" /* for a name without a star: the convention of the Docker official images */

/* Which variables name files, and which variables receive the values. */
struct import_rule {
	const char *prefix, *suffix; /* the text around the star */
	bool prefix_goes;            /* the target's name drops the prefix; otherwise the suffix */
};

/* Reads all of FD, which has SIZE bytes. NULL: *WHY says what is wrong. */
static const char *read_bytes(struct mem *mem, int fd, size_t size, const char **why)
{
	char *bytes = mem_alloc(mem, size + 2);
	/* Room for one byte more than expected, to notice a file that grew. */
	const ssize_t n = fd_read_all(fd, bytes, size + 1, 0);
	size_t length = n < 0 ? 0 : (size_t)n;

	if (n < 0)
		*why = mem_text(mem, strerror(errno));
	else if (length != size)
		*why = "its size is not what the file system says: it changed, or it is no plain file";
	else if (memchr(bytes, '\0', length))
		*why = "it holds a NUL byte, which no variable can hold";
	else
		*why = NULL;
	if (*why)
		return NULL;

	while (length > 0 && bytes[length - 1] == '\n') {
		length--;
		if (length > 0 && bytes[length - 1] == '\r')
			length--;
	}
	bytes[length] = '\0';
	return bytes;
}

static const char *why_errno(struct mem *mem, int err)
{
	char why[512];

	if (err == EACCES && identity_is_changed())
		return mem_format(mem, "%s (as uid %u, as whom capshim acts here)", strerror(err), identity_uid());
	return mem_text(mem, diag_why(why, sizeof(why), err, CAP_DAC_OVERRIDE));
}

/*
 * May the file be read? Files on procfs show other things to root than to the workload, such as the environment and
 * the memory of processes.
 */
static const char *check_found(struct mem *mem, const struct walk_found *found)
{
	struct statfs fs = {.f_type = PROC_SUPER_MAGIC};

	if (!S_ISREG(found->stat.st_mode))
		return "not a regular file";
	if (fstatfs(found->fd, &fs) != 0)
		return why_errno(mem, errno);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return "it lies on procfs";
	if (found->stat.st_size > SECRET_LIMIT)
		return "larger than 1 MiB";
	return NULL;
}

/* The content of the file PATH without trailing newlines, or NULL and *WHY. */
static const char *read_secret(struct mem *mem, const char *path, const char **why)
{
	struct walk_found found;
	const char *text = NULL;

	if (walk_find(path, WALK_FOLLOW | WALK_SOURCE, &found) != 0) {
		*why = walk_why(mem, errno, &found.where);
		identity_return();
		return NULL;
	}
	*why = check_found(mem, &found);
	if (!*why) {
		int fd = walk_reopen(found.fd, found.parent, found.name, O_RDONLY | O_CLOEXEC);
		if (fd >= 0) {
			text = read_bytes(mem, fd, (size_t)found.stat.st_size, why);
			close(fd);
		} else {
			*why = why_errno(mem, errno);
		}
	}
	walk_release(&found);
	identity_return();
	return text;
}

/* Why the config does not allow PATH, or NULL. */
static const char *check_below(struct mem *mem, const char *path, const struct list *below)
{
	const char *all = "";

	for (const char *at = path; below && *at; at += strcspn(at, "/")) {
		at += strspn(at, "/");
		size_t length = strcspn(at, "/");
		if (length > 0 && length <= 2 && strspn(at, ".") == length)
			return "it has . or .. components";
	}
	for (size_t i = 0; below && i < below->count; i++) {
		const char *rest = path_below(path, below->items[i]);
		if (rest && *rest)
			return NULL;
		all = mem_format(mem, "%s%s\"%s\"", all, i ? ", " : "", below->items[i]);
	}
	return below ? mem_format(mem, "it is not below %s", all) : NULL;
}

/*
 * Sets NAME to the content of the file that FILE_NAME names. Empty counts as not set, as in the images that the
 * convention comes from (Compose passes ${X:-} as an empty string).
 */
static void import(struct environment *env, struct problems *problems, const struct node *node,
		   const struct list *below, const char *name, const char *file_name)
{
	const char *path = environ_get(env, file_name);
	const char *value = environ_get(env, name);
	const char *why = NULL;

	environ_take_out(env, file_name);
	if (!path || !*path)
		return;
	if (value && *value) {
		yaml_problem(problems, node, "both %s and %s are set: unset one of them", name, file_name);
		return;
	}
	/* The value is not shown: a user who mixes up the two variables has put the secret itself here. */
	if (path[0] != '/') {
		yaml_problem(problems, node, "%s must be the absolute path of a file that holds the value", file_name);
		return;
	}
	const char *forbidden = check_below(env->mem, path, below);
	const char *secret = forbidden ? NULL : read_secret(env->mem, path, &why);
	if (secret)
		environ_set(env, name, secret);
	else
		yaml_problem(problems, node, "cannot read \"%s\": %s (mount the file there, or unset %s)", path,
			     forbidden ? forbidden : why, file_name);
	problems->pending += !secret && !forbidden && access(path, F_OK) != 0 && errno == ENOENT;
}

/* Is FILE a word (between '_' and the ends) of PATTERN, before STAR and after it? */
static void find_mark(const char *pattern, const char *star, bool *before, bool *behind)
{
	*before = *behind = false;
	for (const char *at = pattern; (at = strstr(at, "FILE")); at++) {
		bool word = (at == pattern || at[-1] == '_') && (at[4] == '\0' || at[4] == '_');
		*before |= word && at < star;
		*behind |= word && at > star;
	}
}

/*
 * Splits a pattern with a star. The side of the star with the word FILE marks the variables that name files; the
 * target's name is without that side. If neither side or both have it, the meaning is unclear.
 */
static bool read_import_rule(struct import_rule *rule, struct problems *problems, const struct node *node)
{
	const char *star = strchr(node->text, '*');
	bool before, behind;

	find_mark(node->text, star, &before, &behind);
	if (strchr(star + 1, '*'))
		return yaml_problem(problems, node, "\"%s\" has more than one *: write an entry for each", node->text);
	if (before == behind)
		return yaml_problem(problems, node,
				    "\"%s\": the word FILE must stand on one side of the *, as in \"FILE__*\" or "
				    "\"APP_*_FILE\": that side is left out of the name that is set",
				    node->text);
	rule->prefix = mem_copy(&problems->mem, node->text, (size_t)(star - node->text));
	rule->suffix = star + 1;
	rule->prefix_goes = before;
	if (environ_name_ok(mem_format(&problems->mem, "%s%s", rule->prefix, rule->suffix)))
		return true;
	return yaml_problem(problems, node, "\"%s\" can match no name: a name has letters, digits, _, . and - only",
			    node->text);
}

/* The name that RULE sets for the variable VAR (NAME=VALUE), or NULL if it does not match. */
static char *target_of(struct mem *mem, const struct import_rule *rule, const char *var)
{
	size_t length = strcspn(var, "=");
	size_t prefix = strlen(rule->prefix), suffix = strlen(rule->suffix);

	if (length <= prefix + suffix || strncmp(var, rule->prefix, prefix) != 0 ||
	    strncmp(var + length - suffix, rule->suffix, suffix) != 0)
		return NULL;
	return rule->prefix_goes ? mem_copy(mem, var + prefix, length - prefix) : mem_copy(mem, var, length - suffix);
}

static void import_matching(struct environment *env, struct problems *problems, const struct node *node,
			    const struct list *below)
{
	struct list names = {0}, files = {0};
	struct import_rule rule = {0};

	if (!read_import_rule(&rule, problems, node))
		return;
	/* First the list: an imported variable must not match again. */
	for (size_t i = 0; i < env->vars.count; i++) {
		const char *var = env->vars.items[i];
		char *name = target_of(env->mem, &rule, var);
		if (!name)
			continue;
		list_take(env->mem, &names, name);
		list_take(env->mem, &files, mem_copy(env->mem, var, strcspn(var, "=")));
	}
	for (size_t i = 0; i < names.count; i++) {
		if (environ_name_ok(names.items[i]))
			import(env, problems, node, below, names.items[i], files.items[i]);
		else
			yaml_problem(
				problems, node,
				"%s would set \"%s\", which is no name for a variable: use letters, digits, _, . and -",
				files.items[i], names.items[i]);
	}
}

static void import_named(struct environment *env, struct problems *problems, const struct node *node,
			 const struct list *below)
{
	size_t length = strlen(node->text);

	if (!environ_name_ok(node->text))
		yaml_problem(problems, node, "\"%s\" is no name for a variable: use letters, digits, _, . and -",
			     node->text);
	else if (length > strlen(SUFFIX) && strcmp(node->text + length - strlen(SUFFIX), SUFFIX) == 0)
		yaml_problem(problems, node, "\"%s\": write the name without " SUFFIX, node->text);
	else
		import(env, problems, node, below, node->text, mem_format(env->mem, "%s" SUFFIX, node->text));
}

void environ_import(struct environment *env, struct problems *problems, const struct node *list,
		    const struct list *below)
{
	for (const struct node *node = NULL; (node = yaml_item(list, node));) {
		if (node->kind != NODE_SCALAR)
			yaml_problem(problems, node, "must be a name or a pattern such as \"FILE__*\"");
		else if (strchr(node->text, '*'))
			import_matching(env, problems, node, below);
		else
			import_named(env, problems, node, below);
	}
	environ_close_gaps(env);
}
