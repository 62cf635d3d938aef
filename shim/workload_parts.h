/*
 * What the files of the workload share.
 */
#ifndef CAPSHIM_WORKLOAD_PARTS_H
#define CAPSHIM_WORKLOAD_PARTS_H

#include "capability.h"
#include "workload.h"

/*
 * Changes into DIRECTORY and proves that the process is there (112 if not). Returns 0, or the errno value of chdir(2).
 */
int workload_enter(const char *directory) __attribute__((warn_unused_result));

/* Is FD a pipe, socket or terminal of somebody else than UID? /dev/stdout is then EACCES for the workload. */
bool workload_stdio_foreign(int fd, uint32_t uid);

/*
 * The environment of the workload, in MEM: the run's, HOME, USER and LOGNAME as login tools set them, then without
 * what unset_environment names. Behind an init LISTEN_PID, where it named that, names this process.
 */
char **workload_environment(const struct plan *plan, struct mem *mem);

/* Ignores SIGNAL, and takes one away that is pending, until workload_signals() puts back what the start had. */
void workload_ignore(int signal);

/*
 * The one line about the state that this process is in now, in the form that plan->report asks for. Whether anybody
 * reads it changes nothing: it ignores SIGPIPE, for workload_signals() to put back.
 */
void workload_report(const struct plan *plan, struct mem *mem);

/* Line 14: looks the program up, refuses what execve(2) would not run as the config says, loads the filter, executes. */
_Noreturn void workload_execute(const struct plan *plan, struct mem *mem, char **envp);

enum program_kind { PROGRAM_UNREADABLE, PROGRAM_ELF, PROGRAM_SCRIPT, PROGRAM_UNKNOWN };

/* A program or an interpreter: what execve(2) will find. */
struct program_file {
	const char *path;
	int error; /* errno: why it cannot be executed, or 0 */
	enum program_kind kind;
	struct capability_file caps; /* of an unreadable one only whether there are any */
};

/* The kernel follows five interpreters, fs/exec.c exec_binprm(). */
#define PROGRAM_FILES 6

struct program {
	struct program_file files[PROGRAM_FILES]; /* the program, then its #! interpreters */
	size_t count;
};

/*
 * The file that NAME means: itself if it holds a '/', otherwise the first in the directories of PATH (a variable's
 * value) that this process may execute. Entries that do not begin with '/' mean the current directory or one below it
 * and are passed over. NULL: *ERROR is ENOENT, or EACCES if *DENIED was found but may not be executed. In MEM.
 */
const char *program_find(struct mem *mem, const char *name, const char *path, int *error, const char **denied);

/*
 * Reads the file PATH, which program_find() returned, and its interpreters: kind, capabilities, what stands against
 * executing them.
 */
void program_read(struct program *program, struct mem *mem, const char *path);

/*
 * Would execve(2) of it lose a capability of KEEP or, with this BOUNDING set, say EPERM because of file capabilities?
 * See capabilities(7), "Transformation of capabilities during execve()". NULL: no; otherwise why, in MEM.
 */
const char *program_refused(const struct program *program, struct mem *mem, uint64_t keep, uint64_t bounding);

/* The directories that are searched where the environment has no PATH. */
#define PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
