/*
 * Stands where the tests expect capshim, also in an image, and runs the real one under valgrind: PROGRAM by the tool
 * itself, whose launcher would add to the environment. Each run has a log of its own in REPORTS, an empty one where
 * there was nothing to say. valgrind ends with the execve(2) of the workload; the programs of setup steps run without.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS 12

int main(int argc, char **argv, char **envp)
{
	const char *args[64 + OPTIONS] = {TOOL,
					  "--quiet",
					  "--vgdb=no",
					  "--trace-children=no",
					  "--error-limit=no",
					  "--error-exitcode=77",
					  "--undef-value-errors=yes",
					  "--leak-check=no",
					  "--num-callers=30"};
	const char *environment[1024] = {"VALGRIND_LAUNCHER=" TOOL};
	struct timespec now = {0};
	char log[128];
	size_t count = 0, entries = 1;

	for (count = 0; args[count]; count++)
		;
	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(log, sizeof(log), "--log-file=" REPORTS "/run.%ld.%ld.%d", (long)now.tv_sec, now.tv_nsec, getpid());
	int fd = open(strchr(log, '/'), O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (fd >= 0) {
		close(fd);
		args[count++] = log;
	}
	args[count++] = PROGRAM;
	for (int i = 1; i < argc; i++) {
		if (count + 1 >= sizeof(args) / sizeof(*args))
			return 78;
		args[count++] = argv[i];
	}
	for (char **each = envp; *each; each++) {
		if (entries + 1 >= sizeof(environment) / sizeof(*environment))
			return 78;
		environment[entries++] = *each;
	}
	execve(TOOL, (char **)(uintptr_t)args, (char **)(uintptr_t)environment);
	perror(TOOL);
	return 78;
}
