#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/path.h"
#include "base/signals.h"
#include "workload/parts.h"
#include "workload/program.h"

/* ENOTDIR: a component of the path is a file, so the path does not exist. For any other error the program was found. */
static enum diag_status status_of(int err)
{
	return err == ENOENT || err == ENOTDIR ? DIAG_NOT_FOUND : DIAG_CANNOT_EXECUTE;
}

/* Why PATH is EACCES for this process. */
static const char *why_denied(const char *path)
{
	struct statvfs system = {0};
	struct stat status;

	memset(&status, 0, sizeof(status));
	if (stat(path, &status) != 0)
		return "the user may not search a directory on the way";
	if (S_ISDIR(status.st_mode))
		return "it is a directory";
	if (!S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (statvfs(path, &system) == 0 && system.f_flag & ST_NOEXEC)
		return "its file system is mounted noexec";
	return "the user may not execute it (COPY --chmod=0755)";
}

static const char *why_error(const char *path, int err)
{
	return err == EACCES ? why_denied(path) : strerror(err);
}

/* Answers of execve(2) that errno alone explains; the others depend on the file. */
static const struct reason {
	int err;
	const char *text;
} reasons[] = {
	{ENOENT, "its program interpreter (the dynamic loader of its C library) is not in this image"},
	{ENOEXEC, "it is not a program for this machine: another architecture, or damaged"},
	{EPERM, "file capabilities, the seccomp profile or a security module forbid it"},
	{EACCES, "the seccomp profile or a security module forbids it"},
	{E2BIG, "arguments and environment are too large together, or one of them is by itself (128 KiB)"},
	{ELOOP, "more than five interpreters, one behind the other"},
	{ETXTBSY, "it is open for writing"},
	{EAGAIN, "the user has more processes than the limit nproc allows (all containers of this user id count)"},
};

/*
 * What the files of PROGRAM tell about a failure, before execve(2) is called: afterwards a filter may forbid to look.
 * NULL: nothing.
 */
static const char *foresee(const struct program *program, struct mem *mem)
{
	const struct program_file *last = &program->files[program->count - 1], *script = last - 1;

	if (program->count == 1 || last->error == 0)
		return NULL;
	return mem_format(
		mem, "the interpreter \"%s\" in the first line of \"%s\": %s%s", last->path, script->path,
		why_error(last->path, last->error),
		strchr(last->path, '\r')
			? " (the script has Windows line endings, CRLF: convert it, for example with dos2unix)"
			: "");
}

static _Noreturn void explain(const char *path, const char *reason, int err)
{
	for (size_t i = 0; !reason && i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].err == err)
			reason = reasons[i].text;
	diag_die(status_of(err), "cannot execute \"%s\": %s", path, reason ? reason : strerror(err));
}

static bool all_absolute(const char *path)
{
	for (; path; path = strchr(path, ':') ? strchr(path, ':') + 1 : NULL)
		if (*path != '/')
			return false;
	return true;
}

static const char *look_up(const char *name, char **envp, struct mem *mem)
{
	const char *path = PATH_DEFAULT, *denied, *found;
	int error;

	for (; *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			path = *envp + 5;
	found = program_find(mem, name, path, &error, &denied);
	if (found)
		return found;
	/* ENTRYPOINT ["/capshim", "--"] makes a workload's word of what was meant for capshim. */
	const char *hint = name[0] == '-' ? ". For capshim's own options: docker run --entrypoint /capshim IMAGE " : "";
	const char *option = *hint ? name : "";
	if (error == ENOENT && !strchr(name, '/'))
		diag_die(DIAG_NOT_FOUND, "cannot execute \"%s\": not found in PATH (%s%s)%s%s", name, path,
			 all_absolute(path) ? "" : "; only what begins with \"/\" is searched", hint, option);
	diag_die(status_of(error), "cannot execute \"%s\": %s%s%s", denied, why_error(denied, error), hint, option);
}

void workload_execute(const struct plan *plan, struct mem *mem, char **envp)
{
	const struct privileges *now = &plan->workload;
	const char *path = look_up(plan->argv.items[0], envp, mem), *refused;
	struct program program;

	program_read(&program, mem, READ_AS_WORKLOAD, path);
	refused = program_refused(&program, mem, now->keep, now->bounding, &plan->filter);
	if (refused)
		diag_die(DIAG_USER, "%s", refused);
	const struct program_file *last = &program.files[program.count - 1];
	if (last->kind >= PROGRAM_BOM)
		diag_die(
			DIAG_CANNOT_EXECUTE, "cannot execute \"%s\": %s", last->path,
			last->kind == PROGRAM_BOM
				? "a byte order mark (EF BB BF) stands before its \"#!\": remove these three bytes"
				: "it is neither a binary nor a script with a \"#!\" line: add one, such as #!/bin/sh");
	const char *foreseen = foresee(&program, mem);

	workload_report(plan, mem);
	signals_restore(&plan->start);
	if (plan->filter.code)
		filter_load(&plan->filter);
	if (execve(path, plan->argv.items, envp) == -1)
		explain(path, foreseen, errno);
	diag_die(DIAG_SYSTEM, "cannot execute \"%s\": execve(2) came back without an error", path);
}
