#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/text.h"
#include "workload/parts.h"
#include "workload/workload.h"

#define OOM_SCORE_ADJ "/proc/self/oom_score_adj"
#define OOM_SCORE_POISON (-2000) /* not a valid value: proc(5) allows -1000 to 1000 */

_Static_assert(RLIM_INFINITY == PLAN_UNLIMITED, "unlimited is what the kernel calls it");

const char *const workload_limits[PLAN_LIMITS + 1] = {
	[RLIMIT_CPU] = "cpu",           [RLIMIT_FSIZE] = "fsize",
	[RLIMIT_DATA] = "data",         [RLIMIT_STACK] = "stack",
	[RLIMIT_CORE] = "core",         [RLIMIT_RSS] = "rss",
	[RLIMIT_NPROC] = "nproc",       [RLIMIT_NOFILE] = "nofile",
	[RLIMIT_MEMLOCK] = "memlock",   [RLIMIT_AS] = "as",
	[RLIMIT_LOCKS] = "locks",       [RLIMIT_SIGPENDING] = "sigpending",
	[RLIMIT_MSGQUEUE] = "msgqueue", [RLIMIT_NICE] = "nice",
	[RLIMIT_RTPRIO] = "rtprio",     [RLIMIT_RTTIME] = "rttime",
};

/* prlimit(2)'s limits: 64 bits in both C libraries, whatever they call the type of a resource. */
struct limit_pair {
	uint64_t soft, hard;
};

static void limit_read(int resource, struct limit_pair *limit)
{
	memset(limit, 0xa5, sizeof(*limit));
	if (syscall(SYS_prlimit64, 0, resource, NULL, limit) != 0)
		diag_cannot("read the limit", workload_limits[resource], errno, DIAG_NO_CAP);
}

static _Noreturn void limit_refused(int resource, const struct limit_pair *want, const struct limit_pair *now, int err)
{
	const char *name = workload_limits[resource];

	if (err == EINVAL && want->soft > want->hard)
		diag_die(DIAG_SYSTEM,
			 "cannot set the limit \"%s\": soft is above the hard one of %llu (write hard, too)", name,
			 (unsigned long long)want->hard);
	/* setrlimit(2): even a process that may raise hard limits cannot exceed fs.nr_open. */
	if (err == EPERM && resource == RLIMIT_NOFILE && want->hard <= now->hard)
		diag_die(DIAG_SYSTEM, "cannot set the limit \"%s\": %s (more than the sysctl fs.nr_open allows?)", name,
			 strerror(err));
	diag_cannot("set the limit", name, err, CAP_SYS_RESOURCE);
}

static void limit_set(int resource, const struct plan_limit *limit)
{
	struct limit_pair now, want;

	if (!limit->soft_set && !limit->hard_set)
		return;
	limit_read(resource, &now);
	want = now;
	if (limit->hard_set)
		want.hard = limit->hard;
	if (limit->soft_set)
		want.soft = limit->soft;
	else if (want.soft > want.hard)
		want.soft = want.hard;
	if (want.soft == now.soft && want.hard == now.hard)
		return;
	if (syscall(SYS_prlimit64, 0, resource, &want, NULL) != 0)
		limit_refused(resource, &want, &now, errno);
	limit_read(resource, &now);
	if (want.soft != now.soft || want.hard != now.hard)
		diag_die(DIAG_UNPROVEN, "cannot prove the limit \"%s\": it is not what was set",
			 workload_limits[resource]);
}

static _Noreturn void oom_refused(const char *verb, int err)
{
	if (err == ENOENT)
		diag_die(DIAG_SYSTEM, "cannot %s \"oom_score_adj\": there is no /proc", verb);
	diag_cannot(verb, "oom_score_adj", err, CAP_SYS_RESOURCE);
}

static int oom_open(const char *verb, int flags)
{
	int fd = fd_openat(AT_FDCWD, OOM_SCORE_ADJ, flags);

	if (fd < 0)
		oom_refused(verb, errno);
	return fd;
}

static int oom_read(void)
{
	char text[16] = "";
	const char *end;
	int fd = oom_open("read", O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);

	close(fd);
	const int value = (int)text_number(text, 10, &end);
	return length <= 0 || end == text ? OOM_SCORE_POISON : value;
}

static void oom_set(int want)
{
	char text[16];

	if (oom_read() == want)
		return;
	int fd = oom_open("set", O_WRONLY), length = snprintf(text, sizeof(text), "%d", want);
	if (write(fd, text, (size_t)length) < 0)
		oom_refused("set", errno);
	close(fd);
	if (oom_read() != want)
		diag_die(DIAG_UNPROVEN, "cannot prove \"oom_score_adj\": it is not %d", want);
}

void workload_prepare(const struct plan *plan)
{
	workload_stdio_own(plan);
	workload_look_at_kept(plan);
	if (plan->oom_score_adj_set)
		oom_set(plan->oom_score_adj);
	if (plan->working_dir)
		workload_enter_early(plan);
}

void workload_limit(const struct plan *plan)
{
	for (int resource = 0; resource < PLAN_LIMITS; resource++)
		limit_set(resource, &plan->limits[resource]);
}
