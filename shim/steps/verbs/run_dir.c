#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "base/glob.h"
#include "steps/common/launch.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/walk.h"

/* Is NAME one of the programs: an executable file (or a link to one, by the rule of walk.h) that `match` matches? */
static bool is_wanted(const struct step *step, const char *path, const char *name)
{
	struct mem mem = {NULL}; /* of this name: there may be many */

	if (name[0] == '.' || (step->match && !glob_match(step->match, name)))
		return false;
	const int is = run_is_program(mem_format(&mem, "%s/%s", path, name));
	mem_release(&mem);
	return is != 0; /* run_open() will say why one cannot be run */
}

/* Puts the last of NAMES in its place among the others, which are sorted: there are few, and qsort(3) would be 2 KB. */
static void sort_last(struct list *names)
{
	char **items = names->items;

	for (size_t i = names->count - 1; i > 0 && strverscmp(items[i - 1], items[i]) > 0; i--) {
		char *last = items[i];
		items[i] = items[i - 1];
		items[i - 1] = last;
	}
}

/*
 * The names in the directory PATH in version order: 9 before 10. Where others can put programs one is enough, which is
 * refused when it is to be run: they may have put any number there.
 */
static bool list_programs(struct setup *setup, const char *path, struct list *names)
{
	int held = setup_open(setup, "list", path);

	if (held < 0)
		return false;
	/* Would a program in there be run at all? A walk judges the directories that it goes through: hence the period. */
	const int trusted = walk_open(mem_format(&setup->mem, "%s/.", path), WALK_FOLLOW | WALK_TRUSTED, NULL);
	const size_t most = trusted < 0 ? 1 : SIZE_MAX;
	DIR *dir = fd_list(held);
	fd_close(trusted);
	fd_close(held);
	/* The count is looked at after fd_next(), which clears errno. */
	for (const char *name; (name = fd_next(dir)) && names->count < most;)
		if (is_wanted(setup->step, path, name)) {
			list_add(&setup->mem, names, name);
			sort_last(names);
		}
	if (fd_end(dir) != 0)
		return setup_failed(setup, "list", path, errno, CAP_DAC_OVERRIDE);
	return true;
}

static bool run_directory(struct setup *setup, const char *path)
{
	struct list names = {NULL, 0};

	if (!list_programs(setup, path, &names))
		return false;
	for (size_t i = 0; i < names.count; i++) {
		char *argv[] = {mem_format(&setup->mem, "%s/%s", path, names.items[i]), NULL};
		if (!run_to_success(setup, argv))
			return false;
	}
	return true;
}

static void step_run_dir(struct setup *setup)
{
	const struct list *paths = &setup->step->items;

	for (size_t i = 0; i < paths->count && run_directory(setup, paths->items[i]); i++)
		;
}

const struct verb verb_run_dir = {
	.name = "run_dir",
	OPTIONS(RUN_OPTIONS, OPTION("match", TEXT, match)),
	.runs = true,
	.act = step_run_dir,
	.may_need = CAPABILITY_BIT(CAP_KILL),
};
