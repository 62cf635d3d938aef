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

/* Is it a link with this text? */
static bool is_link(const struct walk_found *at, const struct stat *stat, const char *target)
{
	char text[PATH_MAX];

	if (!S_ISLNK(stat->st_mode))
		return false;
	ssize_t length = readlinkat(at->parent, at->name, text, sizeof(text));
	return length >= 0 && (size_t)length == strlen(target) && memcmp(text, target, (size_t)length) == 0;
}

/* Do later steps follow it? Not a link owned by another user, nor any on foreign ground, where that is no reason to replace it. */
static bool is_followed(const struct walk_found *at, const struct stat *stat)
{
	return stat->st_uid == identity_uid() || at->ground.foreign;
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
		if (result != 0)
			fd_unlink(parent, temporary);
	} while (temporary_again(result, &tries));
	return result;
}

static bool link_name(struct setup *setup, const char *path, struct walk_found *at)
{
	const struct step *step = setup->step;
	struct stat stat;
	int result = symlinkat(step->target, at->parent, at->name);

	if (result != 0 && errno == EEXIST && fstatat(at->parent, at->name, &stat, AT_SYMLINK_NOFOLLOW) == 0) {
		const bool same = is_link(at, &stat, step->target);
		if (same && is_followed(at, &stat)) {
			temporary_forget(at->parent, at->name, false);
			setup->same++;
			return true;
		}
		if (S_ISDIR(stat.st_mode))
			return setup_refused(setup, "link", path, "it is a directory, which is never replaced");
		/* One that an earlier start has given away, with all that its directory holds, is made anew. */
		if (!step->force && !same)
			return setup_refused(setup, "link", path,
					     "it exists and is something else (write \"force: true\" to replace it)");
		ground_for_name(&at->ground, at->parent, stat.st_uid, false);
		result = replace_link(at->parent, at->name, step->target);
	}
	if (result != 0)
		return setup_failed(setup, "link", path, errno, CAP_DAC_OVERRIDE);
	if (fstatat(at->parent, at->name, &stat, AT_SYMLINK_NOFOLLOW) != 0 || !is_link(at, &stat, step->target) ||
	    !is_followed(at, &stat))
		return setup_refused(setup, "link", path, "the file system did not keep it");
	setup->changed++;
	return true;
}

static bool step_symlink(struct setup *setup, const char *path)
{
	return setup_at(setup, "link", path, WALK_MAKE | WALK_NEW | WALK_PARENTS, link_name);
}

const struct verb verb_symlink = {
	.name = "symlink",
	OPTIONS(OPTION_WITH("target", TEXT, target, .required = true), OPTION("force", BOOL, force)),
	.act_on = step_symlink,
	.may_need = MAY_ACT,
};
