#include "workload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "walk.h"
#include "workload_parts.h"

/*
 * What rt_sigaction(2) reads and writes: a handler, and behind it flags, restorer and mask, all zero where there is
 * nothing to call. Not libc's, which keeps signals to itself.
 */
#define ACTION_WORDS 4
#define ACTION_MASK_BYTES sizeof(uint64_t)
#define HANDLER_DEFAULT 0UL
#define HANDLER_IGNORE 1UL
#define HANDLER_POISON (~0UL)
#define NULL_DEVICE makedev(1, 3)

static bool open_null(int want)
{
	struct stat status;
	int fd = openat(AT_FDCWD, "/dev/null", O_RDWR | O_NOCTTY);

	if (fd == want && walk_fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == NULL_DEVICE)
		return true;
	if (fd >= 0)
		close(fd);
	return false;
}

/* Where there is no /dev/null: a pipe that nobody writes. Reading it is end of file, writing EBADF, as if closed. */
static bool open_pipe(int want)
{
	int ends[2] = {-1, -1};

	return pipe(ends) == 0 && close(ends[1]) == 0 && ends[0] == want;
}

/* One call where all three are open, as they nearly always are. What it does not answer stays "closed". */
static bool all_open(void)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .revents = POLLNVAL},
		{.fd = STDOUT_FILENO, .revents = POLLNVAL},
		{.fd = STDERR_FILENO, .revents = POLLNVAL},
	};

	return poll(fds, 3, 0) >= 0 && !((fds[0].revents | fds[1].revents | fds[2].revents) & POLLNVAL);
}

void workload_stdio_open(void)
{
	if (all_open())
		return;
	/* One may be O_PATH, which poll(2) does not see. */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) != -1)
			continue;
		if (!open_null(fd) && !open_pipe(fd))
			diag_die(DIAG_SYSTEM, "cannot open something on the closed file descriptor %d: %s", fd,
				 strerror(errno));
	}
}

/* The raw call, as walk_fstat(): what is not filled in is no directory. */
static bool read_directory(const char *path, int flags, struct stat *directory)
{
	memset(directory, 0, sizeof(*directory));
	return syscall(SYS_newfstatat, AT_FDCWD, path, directory, flags) == 0 && S_ISDIR(directory->st_mode);
}

/* Does the process stand there? Also if it may not search that directory. */
static bool same_directory(const char *path)
{
	struct stat here, there;

	if (!read_directory("", AT_EMPTY_PATH, &here) || !read_directory(path, 0, &there))
		diag_die(DIAG_UNPROVEN, "cannot prove that the working directory is \"%s\": it cannot be read", path);
	return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

int workload_enter(const char *directory)
{
	if (chdir(directory) != 0)
		return errno;
	if (!same_directory(directory))
		diag_die(DIAG_UNPROVEN, "cannot prove that the working directory is \"%s\"", directory);
	return 0;
}

/* The second try, as the user; where only root could enter, the process is there already. */
static void enter_again(const char *directory)
{
	int err = workload_enter(directory);

	if (err != 0 && ((err != EACCES && err != EPERM) || same_directory("/")))
		diag_cannot("enter", directory, err, DIAG_NO_CAP);
}

/*
 * getcwd(2) puts "(unreachable)" in front of a directory outside the root, which a runtime may have leaked to us. The
 * raw call: libc would hide it or search for a name.
 */
static void prove_inside_root(void)
{
	char path[PATH_MAX]; /* not cleared whole: that is a page */

	path[0] = '\0';
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		diag_die(DIAG_UNPROVEN,
			 "cannot prove that the working directory is inside the root: %s (write "
			 "working_dir)",
			 strerror(errno));
	if (path[0] != '/')
		diag_die(DIAG_UNPROVEN,
			 "cannot prove that the working directory is inside the root: \"%s\" (write "
			 "working_dir)",
			 path);
}

/* Sets what SIGNAL does and returns what it does then. */
static unsigned long action_set(int signal, unsigned long handler)
{
	unsigned long action[ACTION_WORDS] = {handler};

	if (syscall(SYS_rt_sigaction, signal, action, NULL, ACTION_MASK_BYTES) != 0)
		diag_cannot("set", "the signal dispositions", errno, DIAG_NO_CAP);
	action[0] = HANDLER_POISON;
	syscall(SYS_rt_sigaction, signal, NULL, action, ACTION_MASK_BYTES);
	return action[0];
}

void workload_ignore(int signal)
{
	action_set(signal, HANDLER_IGNORE);
}

/*
 * A session leader, as the first process of a container is, cannot leave its session, but its terminal it can:
 * tty_ioctl(4), TIOCNOTTY. That hangs up the foreground group, which we are in. A blocked signal stays pending even
 * when it is ignored; ignoring it once more takes it away.
 */
static void leave_terminal(void)
{
	int tty = openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t session = getsid(0);

	workload_ignore(SIGHUP);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		ioctl(fd, TIOCNOTTY); /* ENOTTY where it is not the one; proven below */
	if (tty > STDERR_FILENO) {
		ioctl(tty, TIOCNOTTY);
		close(tty);
		tty = openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	}
	workload_ignore(SIGHUP);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (tty >= 0 || tcgetsid(fd) == session)
			diag_die(DIAG_UNPROVEN, "cannot prove that the controlling terminal is left");
}

static void begin_session(void)
{
	/* EPERM for whoever leads a process group; a session leader does, and has what it wants. */
	if (setsid() < 0 && getsid(0) != getpid())
		diag_die(DIAG_SYSTEM,
			 "cannot begin a new session: this process leads a process group (write init: true)");
	leave_terminal();
	if (getsid(0) != getpid())
		diag_die(DIAG_UNPROVEN, "cannot prove that this process leads its session");
}

/* umask(2) only tells the value that it replaces: so each change is proven by the next. */
static void set_umask(const struct plan_umask *rule)
{
	if (!rule->set)
		return;
	mode_t before = umask(rule->to), want = rule->conditional && before != rule->from ? before : rule->to;
	mode_t first = umask(want), now = umask(want);
	if (first != rule->to || now != want)
		diag_die(DIAG_UNPROVEN, "cannot prove the umask: it is %04o, not %04o", now, want);
}

void workload_signals(const struct start *start)
{
	uint64_t blocked = ~start->blocked;

	for (int signal = 1; start->touched && signal <= START_SIGNALS; signal++) {
		bool ignored = start->ignored & START_SIGNAL_BIT(signal);
		unsigned long want = ignored ? HANDLER_IGNORE : HANDLER_DEFAULT;
		if (START_TOUCHED & START_SIGNAL_BIT(signal) && action_set(signal, want) != want)
			diag_die(DIAG_UNPROVEN, "cannot prove the disposition of signal %d", signal);
	}
	if (start->touched && syscall(SYS_rt_sigprocmask, SIG_SETMASK, &start->blocked, NULL, sizeof(blocked)) != 0)
		diag_cannot("set", "the signal mask", errno, DIAG_NO_CAP);
	syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &blocked, sizeof(blocked));
	if (blocked != start->blocked)
		diag_die(DIAG_UNPROVEN, "cannot prove the signal mask");
}

void workload_become(const struct plan *plan)
{
	struct mem mem = {NULL};

	if (plan->new_session)
		begin_session();
	if (plan->working_dir)
		enter_again(plan->working_dir);
	prove_inside_root();
	set_umask(&plan->umask);
	workload_descriptors(
		plan->keep_fds); /* the last thing that was opened is closed: /dev/tty, and what leaked to us */
	workload_execute(plan, &mem, workload_environment(plan, &mem));
}
