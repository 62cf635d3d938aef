#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/process.h"
#include "base/signals.h"
#include "base/status.h"
#include "command.h"
#include "explain/explain.h"
#include "workload.h"

#define POLL_MS 100   /* between two checks */
#define QUIET_MS 1500 /* no new candidate for so long: a round that has found some ends early */
#define NAP_MS 20     /* less than what a back end's buffers take */
#define SHOWN_BYTES 8192
#define OUTPUT_BYTES (1024 * 1024)
#define KILL_MS 10000 /* after that a process that does not end is not waited for */
#define STOPS 512     /* that are answered before the clock is looked at */

static const int wakers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};

/* What a run is about while it lasts. */
struct trial_state {
	const struct run_context *context;
	struct trial *run;
	bool *reached; /* shared with the child */
	pid_t child, check;
	bool left;  /* there are processes */
	bool ready; /* --ready has passed, or is not asked for */
	bool last, check_failed;
	uint64_t began, check_began, check_ended;
	uint64_t denied, denied_at; /* what was last known of the observation, and since when */
};

static uint64_t now_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void run_begin(struct run_context *context)
{
	uint64_t blocked = 0;

	for (size_t i = 0; i < sizeof(wakers) / sizeof(*wakers); i++)
		blocked |= START_SIGNAL_BIT(wakers[i]);
	signals_block(&context->blocked);
	signals_mask(context->blocked | blocked);
	signals_handle(SIGCHLD, SIG_DFL);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		diag_cannot("set", "PR_SET_CHILD_SUBREAPER", errno, DIAG_NO_CAP);
}

/* What is printed lies in memory: of much the end is kept, which is what run_show() shows. */
static void trim_output(int fd)
{
	char end[SHOWN_BYTES];
	const off_t size = lseek(fd, 0, SEEK_END);
	const ssize_t length = size > OUTPUT_BYTES ? pread(fd, end, sizeof(end), size - (off_t)sizeof(end)) : 0;

	if (length > 0 && ftruncate(fd, 0) == 0)
		(void)!write(fd, end, (size_t)length);
}

/* Waits until something happens, NAP_MS at most. */
static void nap(struct trial *run)
{
	const struct timespec time = {.tv_nsec = NAP_MS * 1000000L};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wakers) / sizeof(*wakers); i++)
		sigaddset(&set, wakers[i]);
	int signal = sigtimedwait(&set, NULL, &time);
	run->interrupted |= signal > 0 && signal != SIGCHLD;
}

/* Answers what has stopped, and reaps what has ended. */
static void reap(struct trial_state *state)
{
	struct trial *run = state->run;
	pid_t pid = 0;
	int status;

	for (int i = 0; i < STOPS && (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0; i++) {
		if (WIFSTOPPED(status)) {
			if (run->observer && run->observer->stopped)
				run->observer->stopped(pid, status);
		} else if (pid == state->child) {
			run->ended = true;
			run->status = status;
			state->child = 0;
		} else if (pid == state->check) {
			state->check = 0;
			state->check_ended = now_ms();
			state->check_failed = !WIFEXITED(status) || WEXITSTATUS(status) != 0;
		}
	}
	state->left = pid >= 0;
	if (run->observer && run->observer->pump)
		run->observer->pump();
	trim_output(run->output);
	trim_output(run->check_output);
	run->reached = *state->reached;
}

/* Starts the next check, or sees what has come of the last one. True: the run is decided. */
static bool check_step(struct trial_state *state)
{
	const struct learn_options *options = state->context->options;
	struct trial *run = state->run;
	const uint64_t now = now_ms();
	const bool final = !options->ready || !state->ready; /* it is polled, and short */

	if (!options->check) {
		run->passed = run->ended && WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0;
		return run->ended;
	}
	if (state->check) {
		if (now - state->check_began > RUN_CHECK_MS && final) {
			run->check_killed = true;
			kill(-state->check, SIGKILL);
		}
		return false;
	}
	if (state->check_began && !state->check_failed) {
		run->passed = !options->ready || state->ready;
		state->ready = true;
		state->check_began = 0;
		return run->passed;
	}
	if (state->check_began && (state->last || !final))
		return true;
	if (state->check_began && now - state->check_ended < POLL_MS && state->left)
		return false;
	state->last = !state->left;
	state->check_began = now;
	state->check_failed = true;
	if (ftruncate(run->check_output, 0) == 0)
		(void)lseek(run->check_output, 0, SEEK_SET);
	state->check = command_start(options->ready && !state->ready ? options->ready : options->check,
				     state->context->blocked, run->check_output);
	return false;
}

/* A round that has found something to add need not last as long as one that may still pass. */
static bool found_enough(struct trial_state *state)
{
	const struct trial *run = state->run;

	if (run->seen.denied != state->denied) {
		state->denied = run->seen.denied;
		state->denied_at = now_ms();
	}
	/* A check that is run once, when the workload is ready, is not cut short. */
	if (state->context->options->ready && state->ready)
		return false;
	return run->observer && state->context->options->check && state->denied & ~run->keep &&
	       now_ms() - state->denied_at > QUIET_MS;
}

/* kill(2), also where this process may not but could become whom PID runs as. */
static void kill_child(pid_t pid, int signal)
{
	struct mem mem = {NULL};
	struct status status;

	if (kill(pid, signal) == 0 || errno != EPERM)
		return;
	if (status_read(&status, &mem, mem_format(&mem, "/proc/%d/status", pid)) == 0) {
		pid_t killer = process_fork();
		if (killer == 0)
			_exit(setresuid(status.held.uid, status.held.uid, status.held.uid) != 0 ||
			      kill(pid, signal) != 0);
		if (killer > 0)
			(void)waitpid(killer, NULL, 0);
	}
	mem_release(&mem);
}

/* Signals every child of this process: orphans of a run become children of it. */
static void kill_children(int signal)
{
	struct mem mem = {NULL};
	char *text = status_text(&mem, mem_format(&mem, "/proc/self/task/%d/children", getpid()));

	for (char *at = text; at && *at; at += strspn(at, " \n"))
		kill_child((pid_t)strtol(at, &at, 10), signal);
	mem_release(&mem);
}

/* Ends everything that the run has started: SIGTERM to the workload, after the grace SIGKILL to all that is left. */
static void end_all(struct trial_state *state)
{
	struct trial *run = state->run;
	uint64_t end = now_ms() + state->context->options->grace_ms;

	if (state->check)
		kill(-state->check, SIGKILL);
	if (state->child)
		kill_child(state->child, SIGTERM);
	else
		kill_children(SIGTERM);
	for (reap(state); state->left && now_ms() < end; reap(state))
		nap(run);
	for (end = now_ms() + KILL_MS; state->left && now_ms() < end; reap(state)) {
		if (state->child)
			kill_child(state->child, SIGKILL);
		kill_children(SIGKILL);
		nap(run);
	}
	if (state->left)
		diag_die(DIAG_SYSTEM, "cannot end the processes of a run: grant KILL, or mount /proc");
}

void run_once(const struct run_context *context, struct trial *run)
{
	struct trial_state state = {.context = context, .run = run, .left = true, .ready = !context->options->ready};
	int gate[2];

	run->output = memfd_create("output", MFD_CLOEXEC);
	run->check_output = memfd_create("check", MFD_CLOEXEC);
	state.reached = mmap(NULL, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Appending: what they are cut to is where the next line goes. */
	if (run->output < 0 || run->check_output < 0 || fcntl(run->output, F_SETFL, O_APPEND) != 0 ||
	    fcntl(run->check_output, F_SETFL, O_APPEND) != 0 || state.reached == MAP_FAILED ||
	    pipe2(gate, O_CLOEXEC) != 0)
		diag_cannot("prepare", "a run", errno, DIAG_NO_CAP);
	state.child = process_fork();
	if (state.child < 0)
		diag_cannot("fork", "the workload's process", errno, DIAG_NO_CAP);
	if (state.child == 0)
		workload_run(context, run, state.reached, gate);
	close(gate[0]);
	if (run->observer && !run->observer->start(&run->seen, state.child))
		diag_cannot("observe the workload by", run->observer->name, errno, DIAG_NO_CAP);
	if (write(gate[1], "", 1) != 1)
		diag_cannot("begin", "a run", errno, DIAG_NO_CAP);
	close(gate[1]);
	state.began = now_ms();
	for (reap(&state); !check_step(&state) && !run->interrupted; reap(&state)) {
		if (now_ms() - state.began > run->limit_ms || (run->ended && !run->reached) || found_enough(&state))
			break;
		nap(run);
	}
	run->ms = (unsigned int)(now_ms() - state.began);
	const bool ended = run->ended; /* and not because of what follows */
	end_all(&state);
	run->ended = ended;
	if (run->observer)
		run->observer->stop();
	munmap(state.reached, sizeof(bool));
}

int run_command(const struct run_context *context, const char *command)
{
	int status = -1, out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid = command_start(command, context->blocked, out);

	if (pid > 0 && (waitpid(pid, &status, 0) != pid || !WIFEXITED(status)))
		status = -1;
	kill_children(SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(out);
	return pid > 0 && status >= 0 ? WEXITSTATUS(status) : -1;
}

void run_show(int fd, unsigned int lines)
{
	struct mem mem = {NULL};
	char bytes[SHOWN_BYTES];
	off_t size = lseek(fd, 0, SEEK_END), from = size > (off_t)sizeof(bytes) ? size - (off_t)sizeof(bytes) : 0;
	ssize_t length = size > 0 ? pread(fd, bytes, sizeof(bytes) - 1, from) : 0;
	char *at = bytes + (length > 0 ? length : 0), *end = at;

	for (*end = '\0'; at > bytes; at--)
		if (at[-1] == '\n' && at < end && lines-- == 1)
			break;
	for (char *next; *at; at = next) {
		size_t width = strcspn(at, "\n");
		next = at + width + (at[width] == '\n');
		at[width] = '\0';
		dprintf(STDERR_FILENO, "  | %s\n", mem_shown(&mem, at));
	}
	mem_release(&mem);
}

uint64_t run_grants(const struct run_context *context, uint64_t keep, bool say)
{
	static struct plan plan;

	return workload_plan(&plan, context, keep) ? explain_least(&plan, say) : 0;
}
