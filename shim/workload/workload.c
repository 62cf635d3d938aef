#include "workload/workload.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/descriptors.h"
#include "base/diag.h"
#include "base/signals.h"
#include "workload/parts.h"

/*
 * The first process of a container leads its session and cannot leave it, but it can give up its terminal:
 * tty_ioctl(4), TIOCNOTTY. That sends SIGHUP to the foreground group, which includes this process. A blocked signal
 * stays pending even when it is ignored; ignoring it once more discards it.
 */
static void leave_terminal(void)
{
	int tty = openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	pid_t session = getsid(0);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		ioctl(fd, TIOCNOTTY); /* ENOTTY if it is not the controlling one; proven below */
	if (tty > STDERR_FILENO) {
		ioctl(tty, TIOCNOTTY);
		close(tty);
		tty = openat(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	}
	signals_handle(SIGHUP, SIG_IGN);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (tty >= 0 || tcgetsid(fd) == session)
			diag_die(DIAG_UNPROVEN, "cannot prove that the controlling terminal is left");
}

static void begin_session(void)
{
	/* EPERM for the leader of a process group. A session leader is one too, and already has its own session. */
	if (setsid() < 0 && getsid(0) != getpid())
		diag_die(DIAG_SYSTEM,
			 "cannot begin a new session: this process leads a process group (write init: true)");
	leave_terminal();
	if (getsid(0) != getpid())
		diag_die(DIAG_UNPROVEN, "cannot prove that this process leads its session");
}

/* umask(2) only returns the value that it replaces, so each change is proven by the next. */
static void set_umask(const struct plan_umask *rule)
{
	if (!rule->set)
		return;
	mode_t before = umask(rule->to), want = rule->conditional && before != rule->from ? before : rule->to;
	mode_t first = umask(want), now = umask(want);
	if (first != rule->to || now != want)
		diag_die(DIAG_UNPROVEN, "cannot prove the umask: it is %04o, not %04o", now, want);
}

void workload_become(const struct plan *plan)
{
	struct mem mem = {NULL};

	if (plan->new_session)
		begin_session();
	if (plan->working_dir)
		workload_enter_again(plan->working_dir);
	workload_prove_inside_root();
	set_umask(&plan->umask);
	descriptors_close(plan->keep_fds); /* closes what was opened last: /dev/tty, and what the runtime leaked */
	workload_execute(plan, &mem, workload_environment(plan));
}
