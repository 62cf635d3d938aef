#include "base/process.h"

#include <sched.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/text.h"

pid_t process_fork(void)
{
	/* The system call alone. fork(3) also runs handlers, of which there are none, under locks: 1.5 KB. */
	pid_t self = getpid(), pid = _Fork();

	if (pid == 0 && getpid() == self)
		diag_die(DIAG_UNPROVEN, "cannot prove that a new process is one: fork(2) made none");
	return pid;
}

/* What cpu.max of cgroups(7), version 2, allows, which is "QUOTA PERIOD" or "max PERIOD". */
static uint64_t quota(unsigned int most)
{
	char text[64];
	const char *end;
	const ssize_t length = fd_read_path("/sys/fs/cgroup/cpu.max", text, sizeof(text));
	const uint64_t time = text_number(text, 10, &end), period = text_number(end, 10, NULL);

	return length > 0 && end > text && period > 0 ? time / period : most;
}

unsigned int process_at_once(unsigned int most)
{
	const uint64_t allowed = quota(most);
	cpu_set_t set;

	if (allowed <= 1 || sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	const unsigned int there = CPU_COUNT(&set) < (int)most ? (unsigned int)CPU_COUNT(&set) : most;
	return there < allowed ? there : (unsigned int)allowed;
}
