#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/ioprio.h>
#include <linux/keyctl.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/signals.h"
#include "base/status.h"
#include "base/text.h"
#include "workload/parts.h"

/* Some headers do not have these yet. */
#define GET_MDWE 66         /* PR_GET_MDWE */
#define GET_MEMORY_MERGE 68 /* PR_GET_MEMORY_MERGE */

#define PLAIN_SLACK 50000 /* nanoseconds: what the first process of a system has, prctl(2) */
#define PLAIN_DUMP 0x23   /* core(5), "Controlling which mappings are written": the default, but for ELF headers */
#define PLAIN_DUMP_HEADERS 0x10 /* those are the kernel builder's choice */
#define FLAGS_IO_FLUSHER \
	0x80000      /* PF_MEMALLOC_NOIO: PR_SET_IO_FLUSHER, which cannot be read without CAP_SYS_RESOURCE */
#define STAT_FLAGS 7 /* of /proc/PID/stat, counted from the state, proc_pid_stat(5) */

static bool stdio_owned(const struct start *now)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (workload_stdio_foreign(fd, now->uid))
			return false;
	return true;
}

/* A start without root cannot drop the bounding set, so the proof compares it with the start. */
static bool bounding_taken(const struct plan *plan)
{
	return plan->workload.bounding & ~plan->workload.keep;
}

/* The flags that the kernel has for this process, or 0 without /proc. */
static uint64_t process_flags(struct mem *mem)
{
	const char *stat = status_text(mem, "/proc/self/stat");
	const char *at = stat ? strrchr(stat, ')') : NULL;

	for (int field = 0; at && field < STAT_FLAGS; field++)
		at = strchr(at + 1, ' ');
	return at ? text_number(at, 10, NULL) : 0;
}

/* What execve(2) keeps of a process's flags and memory. Most of it needs no privilege, but the workload did not choose it. */
static void note_flags(struct list *notes, struct mem *mem, bool real_time)
{
	static const struct {
		int option;
		const char *note;
	} flags[] = {
		{GET_MEMORY_MERGE, "memory merging (KSM)"},
		{PR_GET_THP_DISABLE, "no huge pages (THP)"},
		{GET_MDWE, "no memory that is writable and executable (MDWE)"},
	};
	const int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	const char *filter = status_text(mem, "/proc/self/coredump_filter");
	int subreaper = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (prctl(flags[i].option, 0, 0, 0, 0) > 0)
			list_add(mem, notes, flags[i].note);
	if (slack >= 0 && slack != PLAIN_SLACK && !real_time)
		list_format(mem, notes, "timer slack %d ns", slack);
	const uint64_t dump = filter ? text_number(filter, 16, NULL) : PLAIN_DUMP;
	if ((dump & ~(uint64_t)PLAIN_DUMP_HEADERS) != PLAIN_DUMP)
		list_format(mem, notes, "coredump_filter %llx", (unsigned long long)dump);
	if (prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0) == 0 && subreaper)
		list_add(mem, notes, "subreaper");
	if (process_flags(mem) & FLAGS_IO_FLUSHER)
		list_add(mem, notes, "I/O flusher");
}

/* What the config does not set: limits that let the workload raise its priority later, and protection from the OOM killer. */
static void note_limits(struct list *notes, struct mem *mem, const struct plan *plan)
{
	static const struct {
		int resource;
		const char *name;
		uint64_t plain; /* RLIMIT_NICE of 20 lets a process reach nice 0, getrlimit(2) */
	} limits[] = {{RLIMIT_NICE, "nice", 20}, {RLIMIT_RTPRIO, "rtprio", 0}};
	const char *adjusted = status_text(mem, "/proc/self/oom_score_adj");
	uint64_t limit[2] = {0, 0}; /* as prepare.c: soft, hard */

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (!plan->limits[limits[i].resource].soft_set && !plan->limits[limits[i].resource].hard_set &&
		    syscall(SYS_prlimit64, 0, limits[i].resource, NULL, limit) == 0 && limit[1] > limits[i].plain)
			list_format(mem, notes, "ulimit %s %lld", limits[i].name, (long long)limit[1]);
	if (adjusted && !plan->oom_score_adj_set && *adjusted == '-')
		list_format(mem, notes, "oom_score_adj %d", (int)text_number(adjusted, 10, NULL));
}

/*
 * State from the start that the workload could not have set by itself: the operator decides on it, so it stays, and
 * the report names it. Also a missing session keyring, see drop.c, what the kernel lacks, and what cap_add_optional asks
 * for in vain.
 */
static struct list read_notes(struct mem *mem, const struct plan *plan, bool bare)
{
	const uint64_t missing = plan->optional & ~plan->workload.keep;
	const long policy = syscall(SYS_sched_getscheduler, 0) & ~SCHED_RESET_ON_FORK;
	const long priority = syscall(SYS_getpriority, PRIO_PROCESS, 0); /* 20 minus the nice value */
	const bool real_time = policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
	struct list notes = {0};

	if (real_time)
		list_add(mem, &notes, "real-time scheduling");
	if (priority > 20)
		list_format(mem, &notes, "nice %ld", 20 - priority);
	if (syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) >> IOPRIO_CLASS_SHIFT == IOPRIO_CLASS_RT)
		list_add(mem, &notes, "real-time I/O");
	note_flags(&notes, mem, real_time);
	note_limits(&notes, mem, plan);
	if (syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0) < 0 && errno == EKEYREVOKED)
		list_add(mem, &notes, "no session keyring");
	if (missing)
		list_format(mem, &notes, "without %s (cap_add_optional): the container has not granted it",
			    capability_list(mem, missing));
	if (bare)
		list_add(mem, &notes, "no securebits and no ambient set in this kernel");
	return notes;
}

/* "Verified" is said only of what was compared with the config, not of what was compared with the start. */
static void report_text(const struct plan *plan, const struct start *now, bool no_new_privs, struct mem *mem)
{
	const char *verified = "", *started = "", *skipped = "", **to = plan->ids_taken ? &started : &verified;
	const struct list notes = read_notes(mem, plan, now->bare);

	*to = mem_format(mem, "; Uid: %u; Gid: %u; Groups: %s", now->uid, now->gid,
			 now->ngroups ? start_groups(mem, now->groups, now->ngroups, " ") : "none");
	for (const struct start_set *set = start_sets; set < start_sets + START_SETS; set++) {
		to = bounding_taken(plan) && set->offset == offsetof(struct start, bounding) ? &started : &verified;
		*to = mem_format(mem, "%s; %s: %s", *to, set->status, capability_list(mem, start_set_of(now, set)));
	}
	to = plan->workload.lock ? &verified : &started;
	if (!now->bare)
		*to = mem_format(mem, "%s; Securebits: 0x%x", *to, now->securebits);
	if (plan->setup_skipped)
		skipped = mem_format(mem, "; skipped accounts: %zu; skipped steps: %zu", plan->nwishes,
				     plan->steps_skipped);
	diag_say("verified: %s; NoNewPrivs: %d; Seccomp: %u instructions; stdio: %s%s%s%s%s%s", verified + 2,
		 no_new_privs, plan->filter.code ? plan->filter.count : 0U, stdio_owned(now) ? "owned" : "not owned",
		 *started ? "; as started, not verified: " : "", *started ? started + 2 : "", skipped,
		 notes.count ? "; notes: " : "", list_join(mem, &notes, ", "));
}

/* One line of pure JSON, for programs that read logs by line. */
static void report_json(const struct plan *plan, const struct start *now, bool no_new_privs, struct mem *mem)
{
	const struct list notes = read_notes(mem, plan, now->bare);
	const char *text = mem_format(
		mem,
		"{\"event\":\"capshim.verified\",\"version\":\"" CAPSHIM_VERSION
		"\",\"config\":%s,%s,\"securebits\":%u,\"noNewPrivileges\":%s,\"seccomp\":{\"instructions\":%u},\"stdioOwned\":%s",
		json_quoted(mem, plan->file), json_held(mem, now), now->securebits, no_new_privs ? "true" : "false",
		plan->filter.code ? plan->filter.count : 0U, stdio_owned(now) ? "true" : "false");
	/* As in report_text(). */
	const char *started =
		mem_format(mem, "%s%s%s", plan->ids_taken ? ",\"user\"" : "",
			   bounding_taken(plan) ? ",\"bounding\"" : "", plan->workload.lock ? "" : ",\"securebits\"");
	text = mem_format(mem, "%s,\"notVerified\":[%s],\"skipped\":{\"accounts\":%zu,\"steps\":%zu},\"notes\":%s}\n",
			  text, *started ? started + 1 : "", plan->setup_skipped ? plan->nwishes : 0,
			  plan->steps_skipped, json_strings(mem, &notes));

	diag_write(text, strlen(text));
}

void workload_report(const struct plan *plan, struct mem *mem)
{
	struct start now = {0};

	if (plan->report == REPORT_NONE)
		return;
	start_read(&now, mem);
	now.bounding = start_bounding(&now, ~UINT64_C(0));
	const bool no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
	if (plan->report == REPORT_JSON)
		report_json(plan, &now, no_new_privs, mem);
	else
		report_text(plan, &now, no_new_privs, mem);
}
