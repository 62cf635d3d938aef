#include "base/process.h"

#include <unistd.h>

#include "base/diag.h"

pid_t process_fork(void)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0 && getpid() == self)
		diag_die(DIAG_UNPROVEN, "cannot prove that a new process is one: fork(2) made none");
	return pid;
}
