#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "steps/common/change.h"
#include "steps/common/file.h"
#include "steps/common/mirror.h"
#include "steps/common/options.h"
#include "steps/common/owner.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/rule.h"

#define RESULT_LIMIT (64 * 1024 * 1024)

/*
 * The value for the reference at AT (a '$'), whose length goes to *LENGTH; NULL where there is none to replace: no
 * such variable, not among `variables`, or another form such as ${NAME:-x}.
 */
static const char *reference(const struct environment *env, bool bare, const char *at, size_t *length)
{
	bool braces = at[1] == '{';
	const char *name = at + 1 + braces;
	size_t size = environ_name_at(name);

	if (!size || (braces ? name[size] != '}' : !bare))
		return NULL;
	*length = size + (braces ? 3 : 1);
	return environ_find(env, name, size);
}

/* Appends SIZE BYTES to what is DONE of TO, or only counts them if TO is NULL. */
static size_t add(char *to, size_t done, const char *bytes, size_t size)
{
	if (to)
		memcpy(to + done, bytes, size);
	return done + size;
}

/*
 * Writes TEXT (SIZE bytes and a NUL) to TO, with what may be replaced in it. Values are not expanded again. Returns the
 * length; it stops where that is more than RESULT_LIMIT. With NULL as TO it only measures.
 */
static size_t expand(const struct environment *env, bool bare, const char *text, size_t size, char *to)
{
	const char *end = text + size;
	size_t done = 0;

	while (text < end && done <= RESULT_LIMIT) {
		const char *dollar = memchr(text, '$', (size_t)(end - text));
		size_t plain = (size_t)((dollar ? dollar : end) - text), length = 0;
		const char *value = dollar ? reference(env, bare, dollar, &length) : NULL;
		if (dollar && !value)
			plain++;
		done = add(to, done, text, plain);
		text += plain;
		if (value) {
			done = add(to, done, value, strlen(value));
			text += length;
		}
	}
	return done;
}

/* From SOURCE, which messages call PATH, to NAME in TO, which they call TARGET; with the variables of ENV. */
static bool put(struct setup *setup, const struct environment *env, const char *path, const struct walk_found *source,
		const char *target, const struct mirror_level *to, const char *name)
{
	const struct step *step = setup->step;
	struct mem mem = {NULL}; /* of this file: a tree may have many */
	struct file_want want = {.source = -1};
	size_t size;
	bool done;
	const bool others = source->ground.foreign || !walk_is_roots_alone(source->stat.st_uid, source->stat.st_mode);

	/* The author of the template would see every variable, including those that the workload does not get. */
	if (step->variables.count == 0 && identity_is_root() && others)
		return setup_refused(setup, "read", path,
				     "others than root can write it, and could have it show every variable: list those "
				     "that it may use (variables: [..])");
	if (change_has_moved(setup, "read", path, &source->ground, source->parent, source->fd))
		return false;
	if (ground_act(&source->ground) != 0)
		return setup_failed(setup, "read", path, errno, DIAG_NO_CAP);
	const char *text = file_read(&mem, walk_reopen(source->fd, source->parent, source->name, O_RDONLY), &size);

	want.length = text ? expand(env, step->bare, text, size, NULL) : 0;
	if (!text || want.length > RESULT_LIMIT) {
		done = setup_failed(setup, text ? "expand" : "read", path, text ? EFBIG : errno, CAP_DAC_OVERRIDE);
	} else if (ground_act(&to->ground) != 0) {
		done = setup_failed(setup, "write", target, errno, DIAG_NO_CAP);
	} else {
		char *result = mem_array(&mem, want.length + 1, 1);
		(void)expand(env, step->bare, text, size, result);
		want.bytes = result;
		want.others = others;
		file_attributes(step, &want);
		mirror_want(to, (off_t)want.length, &want);
		done = file_put(setup, "write", target, to->fd, &to->ground, name, &want);
	}
	mem_release(&mem);
	return done;
}

/* NAME without `suffix`; NULL if it does not end with it. */
static const char *target_name(struct mem *mem, const struct step *step, const char *name)
{
	size_t length = strlen(name), suffix = step->suffix ? strlen(step->suffix) : 0;

	if (suffix == 0)
		return name;
	if (length <= suffix || strcmp(name + length - suffix, step->suffix) != 0)
		return NULL;
	return mem_copy(mem, name, length - suffix);
}

/* Follows a link from the top, by the rule of walk.h: the files of a Kubernetes ConfigMap are links. */
static void template_entry(struct mirror *mirror, const struct walk_entry *entry, const struct mirror_level *to)
{
	struct setup *setup = mirror->setup;
	const char *name = target_name(&setup->mem, setup->step, entry->name);
	const bool link = S_ISLNK(entry->stat.mode);
	struct walk_found source = {
		.fd = entry->fd,
		.parent = entry->parent,
		.stat = fd_plain(&entry->stat),
		.ground = *entry->ground,
	};

	if (!name)
		return;
	snprintf(source.name, sizeof(source.name), "%s", entry->name);
	if (link && entry->cut) {
		setup_refused(setup, "read", entry->path, "below it is a link whose path is too long");
		return;
	}
	if (link && !setup_find(setup, "read", entry->path, WALK_FOLLOW | WALK_SOURCE, &source))
		return;
	if (S_ISREG(source.stat.st_mode))
		(void)put(setup, mirror->context, entry->path, &source, mirror_target(mirror, entry, name), to, name);
	else if (!S_ISDIR(source.stat.st_mode))
		mirror->special++;
	if (link)
		walk_release(&source);
}

static void template_tree(struct setup *setup, const struct environment *env, const char *path,
			  const struct walk_found *source)
{
	char dots[] = "..*"; /* the directories that the links of a ConfigMap lead to */
	char *names[] = {dots, NULL};
	const struct list exclude = {names, 1};
	struct mirror mirror = {.setup = setup,
				.verb = "read",
				.exclude = &exclude,
				.context = env,
				.file = template_entry,
				.pin = true};
	struct mirror_level to;

	if (!mirror_open(setup, 0755, &to))
		return;
	mirror_tree(&mirror, source, path, &to);
	mirror_close(setup, setup->step->to, &to);
}

/* Into the directory `to` if it is one or is written as one, without the suffix; otherwise to that name. */
static void template_file(struct setup *setup, const struct environment *env, const char *path,
			  const struct walk_found *source)
{
	const struct step *step = setup->step;
	struct walk_found found;
	struct mirror_level to;
	bool into = step->items.count > 1 || step->to[strlen(step->to) - 1] == '/';

	if (!into && !setup_find(setup, "write to", step->to, WALK_TARGET, &found))
		return;
	if (!into && (found.fd < 0 || !S_ISDIR(found.stat.st_mode))) {
		to = (struct mirror_level){.fd = found.parent, .ground = found.ground};
		(void)put(setup, env, path, source, step->to, &to, found.name);
		walk_release(&found);
		return;
	}
	if (!into)
		walk_release(&found);
	const char *name = target_name(&setup->mem, step, strrchr(path, '/') + 1);
	if (!name)
		setup_refused(setup, "read the template", path, "its name does not end in \"%s\"", step->suffix);
	else if (mirror_open(setup, 0755, &to)) {
		(void)put(setup, env, path, source, mirror_in(setup, step->to, name), &to, name);
		mirror_close(setup, step->to, &to);
	}
}

static void step_template(struct setup *setup)
{
	const struct step *step = setup->step;
	const struct environment *env = &setup->plan->env;
	struct environment named;

	if (step->variables.count) {
		environ_select(&named, &setup->mem, env, &step->variables);
		env = &named;
	}
	for (size_t i = 0; i < step->variables.count; i++)
		if (!environ_matches(&setup->plan->env, step->variables.items[i]))
			setup_note(setup, "no variable is called \"%s\" (variables)", step->variables.items[i]);
	for (size_t i = 0; i < step->items.count; i++) {
		const char *path = step->items.items[i];
		struct walk_found source;
		if (!setup_find(setup, "read", path, WALK_FOLLOW | WALK_SOURCE, &source))
			continue;
		if (!S_ISDIR(source.stat.st_mode))
			template_file(setup, env, path, &source);
		else if (!change_has_moved(setup, "read", path, &source.ground, source.parent, source.fd))
			template_tree(setup, env, path, &source);
		walk_release(&source);
	}
}

const struct verb verb_template = {
	.name = "template",
	OPTIONS(OPTION_WITH("to", TARGET, to, .required = true), MAKE_OPTIONS, SYNC_OPTION,
		OPTION("variables", TEXTS, variables), OPTION("suffix", TEXT, suffix), OPTION("bare", BOOL, bare),
		OPTION("cross_mounts", BOOL, cross_mounts)),
	.mode = 0644,
	.act = step_template,
	.check = mirror_check,
	.needs = owner_needs,
	.may_need = MAY_ACT,
};
