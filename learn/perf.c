/*
 * The back end that asks the kernel: perf_event_open(2) on the tracepoints that every system call and every check of a
 * capability pass. It stops nothing, sees each capability that is asked for, and needs a kernel and rights that a plain
 * container does not have.
 */
#include "perf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/status.h"
#include "needs.h"

#define MOST_CPUS 1024
#define RINGS_BYTES ((size_t)64 * 1024 * 1024) /* of all, and of one: */
#define RING_MOST ((size_t)16 * 1024 * 1024)
#define RING_LEAST ((size_t)256 * 1024)
#define SETTLED UINT64_C(100000000) /* ns, after which no processor has anything older to write */

static const char *const point_names[PERF_POINTS] = {
	"raw_syscalls/sys_enter",
	"raw_syscalls/sys_exit",
	"capability/cap_capable",
};

static struct watch {
	struct observation *seen;
	struct perf_points points;
	int fds[MOST_CPUS][PERF_POINTS];
	struct perf_ring rings[MOST_CPUS];
	size_t cpus;
} watch;

/* Where a sample has the field NAME: "field:long ret;	offset:16;" */
static size_t field_at(struct mem *mem, const char *format, const char *name)
{
	const char *text = strstr(format, mem_format(mem, " %s;\toffset:", name));

	return text ? (size_t)strtoul(strchr(text, ':') + 1, NULL, 10) : 0;
}

static bool read_point(struct perf_points *points, size_t point, struct mem *mem, const char *tracefs)
{
	static const char *const fields[PERF_FIELDS] = {"id", "args[6]", "ret", "cap"};
	const char *path = mem_format(mem, "%s/events/%s/", tracefs, point_names[point]);
	const char *id = status_text(mem, mem_format(mem, "%sid", path));
	const char *format = status_text(mem, mem_format(mem, "%sformat", path));

	if (!id || !*id || !format || !*format)
		return false;
	points->id[point] = (unsigned int)strtoul(id, NULL, 10);
	for (size_t i = 0; i < PERF_FIELDS; i++)
		points->at[point][i] = field_at(mem, format, fields[i]);
	return true;
}

/* Reads them from tracefs. NULL, or why that cannot be, in MEM. */
static const char *read_points(struct perf_points *points, struct mem *mem)
{
	static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	const char *tracefs = NULL;

	for (size_t i = 0; i < 2 && !tracefs; i++)
		if (read_point(points, PERF_ENTER, mem, places[i]))
			tracefs = places[i];
	if (!tracefs)
		return "no tracefs can be read at /sys/kernel/tracing (docker run -v "
		       "/sys/kernel/tracing:/sys/kernel/tracing:ro)";
	if (!read_point(points, PERF_LEAVE, mem, tracefs))
		return mem_format(mem, "%s does not have %s", tracefs, point_names[PERF_LEAVE]);
	if (!read_point(points, PERF_CAPABLE, mem, tracefs))
		return "the kernel is older than 6.14, and has no tracepoint capability:cap_capable";
	return NULL;
}

/* The events of POINT that CHILD and its descendants cause on CPU (-1: on any). */
static int open_point(const struct perf_points *points, size_t point, pid_t child, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = points->id[point],
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW | PERF_SAMPLE_REGS_USER,
		.sample_regs_user = 1, /* any register: what counts is the ABI that is written with it */
		.inherit = 1,
		.comm = point == PERF_ENTER,
		.comm_exec = point == PERF_ENTER,
		.task = point == PERF_ENTER,
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};

	return fd_checked((int)syscall(SYS_perf_event_open, &attr, child, cpu, -1, PERF_FLAG_FD_CLOEXEC));
}

static const char *perf_unusable(struct mem *mem)
{
	struct perf_points points;
	const char *why = read_points(&points, mem);

	if (why)
		return why;
	const int fd = open_point(&points, PERF_CAPABLE, 0, -1);
	fd_close(fd);
	if (fd >= 0)
		return NULL;
	return errno == EPERM || errno == EACCES
		       ? "perf_event_open is not permitted: it needs CAP_PERFMON or CAP_SYS_ADMIN, and a seccomp profile "
			 "that allows it"
		       : mem_format(mem, "perf_event_open: %s", strerror(errno));
}

/* Keeps errno. */
static void perf_close(void)
{
	for (size_t cpu = 0; cpu < watch.cpus; cpu++) {
		perf_ring_unmap(&watch.rings[cpu]);
		for (size_t point = 0; point < PERF_POINTS; point++) {
			fd_close(watch.fds[cpu][point]);
			watch.fds[cpu][point] = -1;
		}
	}
}

/*
 * What is not needed is not written: capabilities that were there, and results but for those that may be a refusal, and
 * that of a call that has changed a file.
 */
static bool narrow(const int *fds)
{
	char filter[1024];
	int length =
		snprintf(filter, sizeof(filter), "ret == %d || ret == %d || (ret >= 0 && (id == -1", -EPERM, -EACCES);

	for (long call = 0; call < OBSERVE_CALLS; call++)
		if (needs_changes(call) && length < (int)sizeof(filter) - 32)
			length += snprintf(filter + length, sizeof(filter) - (size_t)length, " || id == %ld", call);
	(void)snprintf(filter + length, sizeof(filter) - (size_t)length, "))");
	return ioctl(fds[PERF_LEAVE], PERF_EVENT_IOC_SET_FILTER, filter) == 0 &&
	       ioctl(fds[PERF_CAPABLE], PERF_EVENT_IOC_SET_FILTER, "ret != 0") == 0;
}

/* False with errno. A processor that is switched off is left out. */
static bool watch_cpu(pid_t child, size_t cpu, size_t size)
{
	int *fds = watch.fds[cpu];

	for (size_t point = 0; point < PERF_POINTS; point++) {
		fds[point] = open_point(&watch.points, point, child, (int)cpu);
		if (fds[point] < 0)
			return point == 0 && errno == ENODEV;
	}
	return perf_ring_map(&watch.rings[cpu], fds[PERF_ENTER], size) &&
	       ioctl(fds[PERF_LEAVE], PERF_EVENT_IOC_SET_OUTPUT, fds[PERF_ENTER]) == 0 &&
	       ioctl(fds[PERF_CAPABLE], PERF_EVENT_IOC_SET_OUTPUT, fds[PERF_ENTER]) == 0 && narrow(fds);
}

static bool perf_start(struct observation *seen, pid_t child)
{
	struct mem mem = {0};
	const char *why = read_points(&watch.points, &mem);
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);

	mem_release(&mem);
	if (why || cpus < 1 || cpus > MOST_CPUS) {
		errno = ENODEV;
		return false;
	}
	watch.seen = seen;
	watch.cpus = (size_t)cpus;
	memset(watch.fds, 0xff, sizeof(watch.fds));
	size_t size = RING_MOST;
	while (size > RING_LEAST && size * watch.cpus > RINGS_BYTES)
		size /= 2;
	for (size_t cpu = 0; cpu < watch.cpus; cpu++)
		if (!watch_cpu(child, cpu, size)) {
			perf_close();
			return false;
		}
	tasks_begin(seen);
	return true;
}

static void take_all(uint64_t until)
{
	for (size_t cpu = 0; cpu < watch.cpus; cpu++)
		if (watch.rings[cpu].map)
			watch.seen->lost += perf_ring_take(&watch.rings[cpu], &watch.points);
	perf_ring_hand_on(until);
}

static void perf_pump(void)
{
	struct timespec now = {0};

	/* Asked before the rings: what is older than that by far is in them, whichever processor wrote it. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	const uint64_t ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	take_all(ns > SETTLED ? ns - SETTLED : 0);
}

static void perf_stop(void)
{
	take_all(UINT64_MAX);
	tasks_end();
	perf_close();
}

const struct observer observer_perf = {
	.name = "perf",
	.unusable = perf_unusable,
	.start = perf_start,
	.pump = perf_pump,
	.stop = perf_stop,
};
