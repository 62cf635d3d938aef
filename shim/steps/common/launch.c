#include "steps/common/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/clock.h"
#include "base/descriptors.h"
#include "base/diag.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/signals.h"
#include "privilege/drop.h"
#include "privilege/identity.h"
#include "privilege/verify.h"
#include "steps/common/end.h"
#include "steps/common/say.h"
#include "walk/held.h"
#include "walk/walk.h"

#define KEPT 1024 /* descriptors that descriptors_close() can be told to keep */

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* since Linux 6.3; with vm.memfd_noexec=2 nothing else is allowed */
#endif

/* How far the child came: sent over a pipe that execve(2) closes. */
enum stage { STAGE_NOT_NARROWED, STAGE_DIRECTORY, STAGE_EXECUTING, STAGE_NOT_EXECUTED };

struct launch_report {
	enum stage stage;
	int err;
};

/* Everything that the child needs. */
struct launch {
	struct run_image image;
	int input;
	int report;
	const struct start *start;
	const struct step *step;
};

/*
 * Standard input. Text is put into a memory file, which, unlike a pipe, can hold all of it before there is a reader.
 * If the image has no /dev/null, an empty memory file takes its place.
 */
static int open_input(const char *text)
{
	int fd = text ? -1 : fd_openat(AT_FDCWD, "/dev/null", O_RDONLY | O_NONBLOCK | O_NOFOLLOW);

	if (fd >= 0)
		return fd;
	fd = fd_checked(memfd_create("stdin", MFD_CLOEXEC | MFD_NOEXEC_SEAL));
	if (fd < 0 && errno == EINVAL)
		fd = fd_checked(memfd_create("stdin", MFD_CLOEXEC));
	if (fd < 0 || ((!text || fd_write_all(fd, text, strlen(text))) && lseek(fd, 0, SEEK_SET) == 0))
		return fd;
	fd_close(fd);
	return -1;
}

static void tell(int fd, enum stage stage, int err)
{
	struct launch_report report = {.stage = stage, .err = err};

	/* Less than PIPE_BUF: all or nothing. Without a report the parent assumes the worst. */
	(void)!write(fd, &report, sizeof(report));
}

/*
 * Executes what the descriptor FD holds, and returns only if it cannot. TOMOYO (a security module) of kernels 5.x looks the
 * name /dev/fd/N up, which there may not be: ENOENT.
 */
static void execute(int fd, char *const *argv, char *const *environment)
{
	char link[WALK_LINK];

	syscall(SYS_execveat, fd, "", argv, environment, AT_EMPTY_PATH);
	if (errno == ENOENT && walk_link(fd, link) == 0)
		execve(link, argv, environment);
}

/*
 * Runs in the child. Only descriptors 0-2 and the signal state of the container's start are passed on. With `user` or
 * `cap_add` follows the same drop and proof as for the workload, which end the process themselves on failure. Then
 * the working directory is entered, with the rights of the program and never through a planted link. Signals come back then,
 * and the filter is last.
 */
static _Noreturn void become_program(const struct launch *launch)
{
	const struct step *step = launch->step;
	uint64_t keep[KEPT / 64] = {0};
	const char *directory = step->working_dir ? step->working_dir : "/";

	(void)setpgid(0, 0); /* cannot fail in a new child; the parent does it as well, because either may come first */
	keep[launch->image.fd / 64] |= UINT64_C(1) << (launch->image.fd % 64);
	keep[launch->report / 64] |= UINT64_C(1) << (launch->report % 64);
	if (dup2(launch->input, 0) != 0)
		diag_cannot("open", "standard input", errno, DIAG_NO_CAP);
	descriptors_close(keep);
	if (step->user.narrowed) {
		drop_privileges(&step->user.want, launch->start);
		verify_privileges(&step->user.want);
	}
	int fd = walk_open(directory, WALK_FOLLOW, NULL);
	if (fd < 0 || fchdir(fd) != 0) {
		tell(launch->report, STAGE_DIRECTORY, errno);
		_exit(DIAG_SYSTEM);
	}
	close(fd);
	identity_end();                 /* the walk may have changed the identity */
	signals_restore(launch->start); /* not before the drop, in which the new user could have it dump its memory */
	if (step->user.filter.code)
		filter_load(&step->user.filter);
	tell(launch->report, STAGE_EXECUTING, 0);
	execute(launch->image.fd, launch->image.argv, step->environment.items);
	tell(launch->report, STAGE_NOT_EXECUTED, errno);
	_exit(DIAG_SYSTEM);
}

/* Has PID been stopped? No process is there to continue it. */
static bool is_stopped(pid_t pid)
{
	siginfo_t info = {.si_pid = 0};

	return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 && info.si_pid == pid;
}

/*
 * Waits for PID to end; it stays a zombie, so that its number cannot be reused. NULL, or why it is to be killed: it was
 * stopped, or SECONDS (0: no limit) have passed.
 */
static const char *wait_for_program(struct setup *setup, pid_t pid, unsigned int seconds, const char *name)
{
	struct timespec end = {0};
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (time_t)seconds;
	for (;;) {
		siginfo_t info = {.si_pid = 0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
			diag_cannot("wait for", name, errno, DIAG_NO_CAP);
		if (info.si_pid == pid)
			return NULL;
		if (info.si_pid != 0) { /* an orphan of the program, inherited by the subreaper */
			waitpid(info.si_pid, NULL, WNOHANG | __WALL);
			continue;
		}
		if (is_stopped(pid))
			return "it was stopped by a signal, as the terminal does to what reads from it in the "
			       "background, and was killed";
		const int ms = seconds ? clock_left(&end, 999) : 999;
		if (ms == 0)
			return mem_format(&setup->mem, "it was still running after %u s (timeout), and was killed",
					  seconds);
		sigtimedwait(&child, NULL, &(struct timespec){.tv_nsec = ms * 1000000L});
		setup_progress(setup, name);
	}
}

/* Reports why the program could not run: how far it came, and the STATUS with which the child ended. */
static int report_failure(struct setup *setup, const struct step *step, const char *name,
			  const struct launch_report *report, int status)
{
	if (report->stage == STAGE_DIRECTORY)
		setup_failed(setup, "enter", step->working_dir ? step->working_dir : "/", report->err,
			     CAP_DAC_OVERRIDE);
	else if (report->stage == STAGE_NOT_EXECUTED)
		setup_failed(setup, "run", name, report->err, DIAG_NO_CAP);
	else if (status == DIAG_UNPROVEN) /* whatever on_error says: the promise would be broken */
		diag_die(DIAG_UNPROVEN, "cannot run \"%s\": its privileges could not be narrowed", name);
	else
		setup_refused(setup, "run", name, "its privileges could not be narrowed");
	return -1;
}

/* After the fork: waits, ends every process that is left, and returns run_program()'s result. */
static int follow_program(struct setup *setup, const struct step *step, pid_t pid, int report_fd, const char *name)
{
	struct launch_report report = {.stage = STAGE_NOT_NARROWED}, next;
	int status = 0;

	(void)setpgid(pid, pid);
	const char *killed = wait_for_program(setup, pid, step->timeout, name);
	/* The group at once. Its leader is not reaped yet, so its number cannot have been reused. */
	(void)kill(-pid, SIGKILL);
	if (!killed)
		(void)waitpid(pid, &status, __WALL);
	if (end_children() != 0) {
		char why[256];
		diag_die(DIAG_SYSTEM, "cannot end what \"%s\" left running: %s", name,
			 diag_why(why, sizeof(why), errno, CAP_KILL));
	}
	while (read(report_fd, &next, sizeof(next)) == (ssize_t)sizeof(next))
		report = next;
	if (killed) {
		setup_refused(setup, "run", name, "%s", killed);
		return -1;
	}
	status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return report.stage == STAGE_EXECUTING ? status : report_failure(setup, step, name, &report, status);
}

/* Starts the program of LAUNCH; its report can be read from *REPORT. */
static pid_t launch_program(struct launch *launch, int *report)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	*report = ends[0];
	launch->report = ends[1];
	identity_return();
	pid_t pid = launch->image.fd >= KEPT || ends[1] >= KEPT ? fd_fail(EMFILE) : process_fork();
	if (pid == 0)
		become_program(launch);
	close(ends[1]);
	if (pid < 0)
		close(ends[0]);
	return pid;
}

int run_program(struct setup *setup, const struct step *step, char *const *argv)
{
	struct launch launch = {.step = step, .start = &setup->plan->start};
	int report;

	if (!run_open(setup, &launch.image, argv, &step->environment))
		return -1;
	launch.input = open_input(step->input);
	pid_t pid = launch.input < 0 ? -1 : launch_program(&launch, &report);
	fd_close(launch.input);
	fd_close(launch.image.fd);
	if (pid < 0) {
		setup_failed(setup, "start", argv[0], errno, DIAG_NO_CAP);
		return -1;
	}
	if (step->user.narrowed)
		ground_unfix();
	int result = follow_program(setup, step, pid, report, argv[0]);
	close(report);
	return result;
}

bool run_to_success(struct setup *setup, char *const *argv)
{
	const struct step *step = setup->step;
	const int status = run_program(setup, step, argv);

	if (status < 0)
		return false;
	setup->changed++;
	if ((step->ok_exit_codes[status / 8] >> (status % 8)) & 1)
		return true;
	if (status <= 128)
		return setup_refused(setup, "run", argv[0], "it ended with status %d", status);
	return setup_refused(setup, "run", argv[0], "it ended with status %d (as if by signal %d%s)", status,
			     status - 128,
			     status == 128 + SIGSYS && step->user.filter.code
				     ? ": the default seccomp filter kills 32-bit programs. For one write \"seccomp: "
				       "unconfined\" on this step"
				     : "");
}
