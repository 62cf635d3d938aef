#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "steps/common/temporary.h"

/*
 * Is NAME a link with this text that later steps follow? They do not follow a link owned by another user, nor any on
 * foreign ground.
 */
static bool is_done(int parent, const char *name, const struct stat *stat, const char *target, bool foreign)
{
	char text[PATH_MAX];

	if (!S_ISLNK(stat->st_mode) || (stat->st_uid != identity_uid() && !foreign))
		return false;
	ssize_t length = readlinkat(parent, name, text, sizeof(text));
	return length >= 0 && (size_t)length == strlen(target) && memcmp(text, target, (size_t)length) == 0;
}

/* Replaces NAME atomically: a link under another name, then rename(2). */
static int replace_link(int parent, const char *name, const char *target)
{
	char temporary[TEMPORARY_NAME];
	int result, tries = 0;

	do {
		if (temporary_link(parent, name, target, temporary) != 0)
			return -1;
		result = temporary_place(parent, temporary, name, false);
		if (result != 0) {
			int err = errno;
			(void)unlinkat(parent, temporary, 0);
			errno = err;
		}
	} while (temporary_again(result, &tries));
	return result;
}

static void link_name(struct setup *setup, const struct step *step, const char *path, int parent, const char *name,
		      const struct ground *ground)
{
	struct stat stat;
	int result = symlinkat(step->target, parent, name);

	if (result == 0 || errno != EEXIST || fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
		; /* made, or refused */
	} else if (is_done(parent, name, &stat, step->target, ground->foreign)) {
		setup->same++;
		return;
	} else if (S_ISDIR(stat.st_mode)) {
		setup_refused(setup, "link", path, "it is a directory, which is never replaced");
		return;
	} else if (!step->force) {
		setup_refused(setup, "link", path,
			      "it exists and is something else (write \"force: true\" to replace it)");
		return;
	} else {
		ground_for_name(parent, stat.st_uid);
		result = replace_link(parent, name, step->target);
	}
	if (result != 0)
		setup_failed(setup, "link", path, errno, CAP_DAC_OVERRIDE);
	else if (fstatat(parent, name, &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
		 !is_done(parent, name, &stat, step->target, ground->foreign))
		setup_refused(setup, "link", path, "the file system did not keep it");
	else
		setup->changed++;
}

static void step_symlink(struct setup *setup, const struct step *step, const char *path)
{
	struct walk_where where;
	struct ground ground;
	const char *name;
	int parent = walk_make_parent(path, &name, &ground, &where);

	if (parent < 0)
		setup_unreachable(setup, "link", path, errno, &where);
	else
		link_name(setup, step, path, parent, name, &ground);
	fd_close(parent);
}

static const struct step_option symlink_options[] = {
	OPTION_WITH("target", TEXT, target, .required = true),
	OPTION("force", BOOL, force),
};

const struct verb verb_symlink = {
	.name = "symlink",
	OPTIONS(symlink_options),
	.act_on = step_symlink,
	.may_need = MAY_ACT,
};
