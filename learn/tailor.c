#include "tailor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/json.h"

#define WIDENED_MOST 3
#define FLAGS (O_WRONLY | O_NOFOLLOW | O_CLOEXEC)

/* Is it still under its name? The workload may have put something else there. */
static bool is_there(const struct tailored *to)
{
	struct stat now, opened;

	return lstat(to->name, &now) == 0 && fstat(to->fd, &opened) == 0 && now.st_dev == opened.st_dev &&
	       now.st_ino == opened.st_ino;
}

/* Makes the file, where there is none. */
static int create_file(const struct tailored *to)
{
	return openat(to->directory, to->base, FLAGS | O_CREAT | O_EXCL, 0644);
}

static const char *cannot_write(const struct tailored *to, struct mem *mem)
{
	return mem_format(mem, "cannot write \"%s\": %s", mem_shown(mem, to->name), strerror(errno));
}

/* Why TEXT could not be written to the file of --seccomp, in MEM; NULL: it is there. */
static const char *write_profile(struct tailored *to, const char *text, struct mem *mem)
{
	const bool create = to->fd < 0;
	const char *why = NULL;

	if (create)
		to->fd = create_file(to);
	if (to->fd < 0 && errno != EEXIST)
		return cannot_write(to, mem);
	if (to->fd < 0 || !is_there(to))
		why = mem_format(mem, "\"%s\" was removed or replaced during the runs", mem_shown(mem, to->name));
	/* EINVAL: of a device or a pipe. */
	else if ((ftruncate(to->fd, 0) != 0 && errno != EINVAL) || !fd_write_all(to->fd, text, strlen(text)) ||
		 (fsync(to->fd) != 0 && errno != EINVAL))
		why = cannot_write(to, mem);
	if (why && create && to->fd >= 0 && is_there(to))
		(void)unlinkat(to->directory, to->base, 0);
	return why;
}

void tailor_begin(struct tailored *to, const char *name, struct mem *mem)
{
	const char *const slash = strrchr(name, '/');

	to->name = name;
	to->base = slash ? slash + 1 : name;
	to->directory = -1;
	to->fd = open(name, FLAGS);
	if (to->fd < 0 && errno == ENOENT) {
		to->directory =
			open(mem_format(mem, "%.*s.", (int)(to->base - name), name), O_PATH | O_DIRECTORY | O_CLOEXEC);
		const int made = to->directory < 0 ? -1 : create_file(to);
		if (made >= 0 && unlinkat(to->directory, to->base, 0) == 0) {
			close(made);
			return;
		}
	}
	if (to->fd < 0 && errno == ELOOP)
		diag_die(DIAG_USER,
			 "\"%s\" is a symbolic link, which others could have put there: name the file itself", name);
	if (to->fd < 0)
		diag_die(DIAG_USER,
			 "cannot write \"%s\": %s: mount a directory that can be written, and name a file in it", name,
			 strerror(errno));
}

static unsigned int count_calls(const struct learned *learned)
{
	unsigned int count = 0;

	for (size_t i = 0; i < OBSERVE_CALLS / 64; i++)
		count += (unsigned int)__builtin_popcountll(learned->calls[i]);
	return count;
}

static const char *find_profile(struct tailored *to, struct learned *learned, const struct run_context *context,
				struct mem *mem)
{
	if (!learned->observer || learned->guessed)
		return "no run that was observed has passed the check, so what the workload needs was not seen";
	for (;; to->widened++) {
		profile_make(&to->profile, mem, learned->calls, learned->keep);
		if (learn_under_profile(learned, context, to->profile.text, false))
			return NULL;
		const unsigned int before = count_calls(learned);
		if (!learned->interrupted && to->widened < WIDENED_MOST && !observer_ptrace.unusable(mem))
			(void)learn_under_profile(learned, context, to->profile.text, true);
		if (learned->interrupted)
			return "interrupted";
		if (count_calls(learned) == before)
			return "the check fails under the profile, and no further call of the workload is seen";
	}
}

void tailor_profile(struct tailored *to, struct learned *learned, const struct run_context *context, struct mem *mem)
{
	to->why = find_profile(to, learned, context, mem);
	if (!to->why)
		to->why = write_profile(to, to->profile.text, mem);
}

void tailor_end(const struct tailored *to)
{
	fd_close(to->fd);
	fd_close(to->directory);
}

void tailor_say(const struct tailored *tailored, const struct learned *learned, const struct run_context *context)
{
	const struct profile *profile = &tailored->profile;
	struct mem mem = {0};

	if (tailored->why) {
		diag_print("no seccomp profile: %s\n", tailored->why);
		return;
	}
	diag_print(
		"the seccomp profile is in %s, and the check passes under it\n"
		"  it allows %zu of the %zu system calls that the built-in profile allows\n"
		"  the check made the workload use %zu different ones%s; the others do the same, or every process may\n"
		"  need them. What the check does not exercise is denied: use this profile only if the check is the\n"
		"  whole test suite of the program. To see what it denies later, write log: true beside it, and run\n"
		"  dmesg | capshim-learn --log\n",
		mem_shown(&mem, context->options->profile), profile->names, profile->of, profile->seen,
		learned->foreign ? " (and some of another ABI, which it denies)" : "");
	if (profile->denied.count)
		diag_print("  it denies, as the built-in one does:");
	for (size_t i = 0; i < profile->denied.count; i++)
		diag_print("%s %s%s", i ? "," : "", profile->denied.items[i],
			   i + 1 == profile->denied.count ? "\n" : "");
	mem_release(&mem);
}

const char *tailor_json(const struct tailored *tailored, const struct run_context *context, struct mem *mem)
{
	const struct profile *profile = &tailored->profile;

	return mem_format(
		mem,
		",\"seccomp\":{\"file\":%s,\"error\":%s,\"allowed\":%zu,\"builtIn\":%zu,\"seen\":%zu,\"denied\":%s}",
		json_quoted(mem, context->options->profile), tailored->why ? json_quoted(mem, tailored->why) : "null",
		profile->names, profile->of, profile->seen, json_strings(mem, &profile->denied));
}
