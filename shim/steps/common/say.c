#include "steps/common/say.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "steps/verb.h"

#define PROGRESS_SECONDS 5

long long setup_milliseconds(const struct timespec *then)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)(now.tv_sec - then->tv_sec) * 1000 + (now.tv_nsec - then->tv_nsec) / 1000000;
}

/* What a step is about, for the trace: its first path or program. The value of a sysctl is not shown. */
const char *setup_subject(struct setup *setup)
{
	const struct step *step = setup->step;

	if (!step)
		return "passwd, group";
	if (!step->items.count)
		return "";
	const char *first = step->items.items[0];
	return step->verb->value == VERB_MAP ? mem_copy(&setup->mem, first, strcspn(first, "=")) : first;
}

const char *setup_verb(const struct setup *setup)
{
	return setup->step ? setup->step->verb->name : "accounts";
}

bool setup_failed_for(struct setup *setup, const char *verb, const char *object, int err, const char *reason)
{
	enum plan_on_error on_error = setup->step ? setup->step->on_error : ON_ERROR_FAIL;
	bool tried = setup->plan->try_setup && (err == EPERM || err == EACCES || err == EROFS);

	diag_discard_signal(err);
	if (on_error == ON_ERROR_FAIL && !tried)
		diag_die(DIAG_SYSTEM, "cannot %s \"%s\": %s", verb, object, reason);
	/* One line for the step; setup_end() counts the others. */
	if (setup->failures++ == 0 && on_error != ON_ERROR_IGNORE)
		diag_say("warning: cannot %s \"%s\": %s", verb, object, reason);
	return false;
}

/*
 * The link at PATH or on the way to it that leads nowhere: because of it mkdir(2) says EEXIST for what does not
 * exist.
 */
static const char *dangling(struct mem *mem, const char *path)
{
	for (const char *end = path; *end;) {
		end += 1 + strcspn(end + 1, "/");
		const char *part = mem_copy(mem, path, (size_t)(end - path));
		if (readlink(part, (char[1]){0}, 1) >= 0 && access(part, F_OK) != 0 && errno == ENOENT)
			return part;
	}
	return NULL;
}

/* As another user no capability is missing that cap_add could add: that user may not do it. */
static const char *failure_text(struct mem *mem, const struct step *step, int err, int cap)
{
	char why[512];
	bool refused = (err == EACCES || err == EPERM) && cap != CAP_CHOWN && cap != CAP_MKNOD;

	if (err == GROUND_NO_IDENTITY ||
	    (refused && ground_is_foreign() && identity_is_root() && !identity_can_change()))
		return GROUND_NEEDS;
	if (err == EPERM && cap == CAP_CHOWN && identity_is_root() && identity_uid() != 0 && step &&
	    !step->owner_written && !step->verb->owner_is_workload)
		return mem_format(mem, "%s (it belongs to another user: write the \"owner\" that it should have)",
				  strerror(err));
	if (refused && identity_is_changed())
		return mem_format(
			mem,
			"%s (as uid %u, as whom capshim acts here: write \"owner: workload\" where it is made, "
			"or chown it in a step before)",
			strerror(err), identity_uid());
	return mem_text(mem, diag_why(why, sizeof(why), err, cap));
}

/* The ids that STEP gives files to, or NULL. EINVAL and EOVERFLOW from a change of owners are about these. */
static const char *owner_text(struct mem *mem, const struct step *step)
{
	const char *uid = "", *gid = "";

	if (step && step->owner.uid != ACCOUNTS_NO_ID && step->owner.uid != 0)
		uid = mem_format(mem, "uid %u", step->owner.uid);
	if (step && step->owner.gid != ACCOUNTS_NO_ID && step->owner.gid != 0)
		gid = mem_format(mem, "gid %u", step->owner.gid);
	return *uid || *gid ? mem_format(mem, "%s%s%s", uid, *uid && *gid ? " or " : "", gid) : NULL;
}

bool setup_failed(struct setup *setup, const char *verb, const char *object, int err, int cap)
{
	struct mem mem = {NULL}; /* of this failure: a tree may have many */
	const char *link = err == EEXIST ? dangling(&mem, object) : NULL;
	const char *ids = err == EINVAL || err == EOVERFLOW ? owner_text(&mem, setup->step) : NULL;
	const bool may_not = err == EROFS || err == EACCES || err == EPERM;
	const struct account_wish *account = setup->step ? NULL : setup->plan->wishes;
	const char *why;

	if (link)
		why = mem_format(&mem, "\"%s\" is a symbolic link to something that does not exist", link);
	else if (ids)
		why = mem_format(&mem, "%s (the user namespace or the file system does not know %s)", strerror(err),
				 ids);
	else if (account && may_not)
		why = mem_format(
			&mem,
			"%s (a user by number needs no account: write user: \"%u:%u\", and HOME under \"environment\" if "
			"it is needed, in the place of \"accounts\")",
			strerror(err), account->uid, account->gid);
	else
		why = failure_text(&mem, setup->step, err, cap);
	(void)setup_failed_for(setup, verb, object, err, why);
	mem_release(&mem);
	return false;
}

bool setup_refused(struct setup *setup, const char *verb, const char *object, const char *format, ...)
{
	struct mem mem = {NULL}; /* as above */
	va_list args;

	va_start(args, format);
	(void)setup_failed_for(setup, verb, object, 0, mem_vformat(&mem, format, args));
	va_end(args);
	mem_release(&mem);
	return false;
}

/* Why the link at WHERE was not followed on the way to PATH: in the order in which a walk decides. */
static const char *link_refused(const char *path, const struct walk_where *where)
{
	if (where->mode == 0) /* not about an owner: it was one link too many */
		return "there are more than 40 on the way, or they lead in a circle";
	if (where->uid != 0 || !S_ISLNK(where->mode)) /* the owner of the link, or of the directory */
		return "it, or its directory, is not root's alone";
	if (strcmp(path, "/dev/stdin") == 0 || strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/stderr") == 0)
		return "it lies on procfs (own_stdio gives the standard streams to the workload, without a step)";
	return "it lies on procfs, where none is followed";
}

bool setup_unreachable(struct setup *setup, const char *verb, const char *path, int err, const struct walk_where *where)
{
	if (err == ELOOP)
		return setup_refused(setup, verb, path, "the symbolic link \"%s\" is not followed: %s", where->path,
				     link_refused(path, where));
	if (err == ENOLINK)
		return setup_refused(setup, verb, path, "it is a symbolic link to something that does not exist");
	if (err == GROUND_NO_IDENTITY)
		return setup_refused(setup, verb, path, "%s", walk_why(&setup->mem, err, where));
	/* EPERM is about a directory that was to be made on the way. */
	return setup_failed(setup, verb, path, err, err == EPERM ? CAP_CHOWN : CAP_DAC_OVERRIDE);
}

bool setup_find(struct setup *setup, const char *verb, const char *path, int flags, struct walk_found *found)
{
	return walk_find(path, flags, found) == 0 || setup_unreachable(setup, verb, path, errno, &found->where);
}

bool setup_at(struct setup *setup, const char *verb, const char *path, int flags,
	      bool (*act)(struct setup *, const char *path, struct walk_found *))
{
	struct walk_found found;

	if (!setup_find(setup, verb, path, flags, &found))
		return false;
	bool done = act(setup, path, &found);
	walk_release(&found);
	return done;
}

int setup_open(struct setup *setup, const char *verb, const char *path)
{
	struct walk_where where;
	int fd = walk_open(path, WALK_FOLLOW, &where);

	if (fd < 0)
		setup_unreachable(setup, verb, path, errno, &where);
	return fd;
}

void setup_note(struct setup *setup, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = mem_vformat(&setup->mem, format, args);
	va_end(args);
	diag_say("%s \"%s\": %s", setup_verb(setup), setup_subject(setup), text);
}

void setup_progress_in(struct setup *setup, const char *object, uint64_t bytes)
{
	const char *in = "";

	if (setup_milliseconds(&setup->said) < PROGRESS_SECONDS * 1000)
		return;
	clock_gettime(CLOCK_MONOTONIC, &setup->said);
	if (bytes)
		in = mem_format(&setup->mem, ", %llu MiB of it", (unsigned long long)(bytes >> 20));
	diag_say("%s \"%s\": %llu changed, %llu already right, after %lld s, now at \"%s\"%s", setup_verb(setup),
		 setup_subject(setup), (unsigned long long)setup->changed, (unsigned long long)setup->same,
		 setup_milliseconds(&setup->begin) / 1000, object, in);
}

void setup_progress(struct setup *setup, const char *object)
{
	setup_progress_in(setup, object, 0);
}
