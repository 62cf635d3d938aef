#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/process.h"
#include "base/signals.h"

static _Noreturn void command_run(const char *text, uint64_t blocked, int out)
{
	struct mem mem = {NULL};
	struct list words = {0};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	setpgid(0, 0);
	signals_mask(blocked);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	if (strpbrk(text, "|&;<>()$`\\\"'*?[]#~=%{}!\n")) {
		execl("/bin/sh", "sh", "-c", text, (char *)NULL);
	} else {
		for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
			size_t length = strcspn(at, " \t");
			list_take(&mem, &words, mem_copy(&mem, at, length));
			at += length;
		}
		if (words.count)
			execvp(words.items[0], words.items);
	}
	dprintf(STDERR_FILENO, "cannot execute \"%s\": %s\n", text, strerror(errno));
	_exit(127);
}

pid_t command_start(const char *text, uint64_t blocked, int out)
{
	pid_t pid = process_fork();

	if (pid == 0)
		command_run(text, blocked, out);
	if (pid > 0)
		setpgid(pid, pid); /* by both: neither may come too late */
	return pid;
}
