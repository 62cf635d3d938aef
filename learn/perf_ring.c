#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "perf.h"

#define RECORD_BYTES 512 /* more than any record that is asked for has */
#define RING_LEAST ((size_t)64 * 1024)
#define ABI_32BIT 1 /* PERF_SAMPLE_REGS_ABI_32 */

/* What all rings have brought and nobody has seen yet. */
static struct waiting {
	struct task_event *events;
	size_t count, room;
} waiting;

static struct task_event *add_event(uint64_t time, enum task_event_kind kind, pid_t tid)
{
	if (waiting.count == waiting.room) {
		waiting.room = waiting.room ? 2 * waiting.room : 16384;
		waiting.events = realloc(waiting.events, waiting.room * sizeof(*waiting.events));
		if (!waiting.events)
			diag_die(DIAG_SYSTEM, "no memory for what is observed");
	}
	struct task_event *event = &waiting.events[waiting.count++];
	*event = (struct task_event){.time = time, .kind = kind, .tid = tid};
	return event;
}

bool perf_ring_map(struct perf_ring *ring, int fd, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	/* EPERM: more than the user may lock, see perf_event_mlock_kb in proc_sys_kernel(5). */
	for (; size >= RING_LEAST; size /= 2) {
		void *map = mmap(NULL, page + size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map != MAP_FAILED) {
			*ring = (struct perf_ring){.map = map, .size = size};
			return true;
		}
	}
	return false;
}

void perf_ring_unmap(struct perf_ring *ring)
{
	if (ring->map)
		(void)munmap(ring->map, (size_t)sysconf(_SC_PAGESIZE) + ring->size);
	ring->map = NULL;
}

static void copy_out(const struct perf_ring *ring, void *to, uint64_t from, size_t size)
{
	const unsigned char *records = (const unsigned char *)ring->map + sysconf(_SC_PAGESIZE);
	const size_t at = (size_t)from & (ring->size - 1), first = size < ring->size - at ? size : ring->size - at;

	memcpy(to, records + at, first);
	memcpy((unsigned char *)to + first, records, size - first);
}

/* PERF_SAMPLE_TID, PERF_SAMPLE_TIME, PERF_SAMPLE_RAW, PERF_SAMPLE_REGS_USER, in the order of perf_event_open(2). */
struct sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t size;
	unsigned char raw[];
};

/* The field of SAMPLE at AT, of SIZE bytes. */
static long field_of(const struct sample *sample, size_t at, size_t size)
{
	long value = 0;

	if (at + size <= sample->size)
		memcpy(&value, sample->raw + at, size);
	return size == sizeof(int) ? (int)value : value;
}

static void take_sample(const unsigned char *record, const struct perf_points *points)
{
	const struct sample *sample = (const void *)record;
	const unsigned char *raw = sample->raw;
	unsigned short type;
	uint64_t abi;
	size_t point = 0;

	if (sample->size < sizeof(type) ||
	    offsetof(struct sample, raw) + sample->size + sizeof(abi) > sample->header.size)
		return;
	memcpy(&type, raw, sizeof(type));
	while (point < PERF_POINTS && points->id[point] != type)
		point++;
	if (point == PERF_POINTS)
		return;
	static const enum task_event_kind kinds[] = {TASK_ENTER, TASK_LEAVE, TASK_DENIED};
	struct task_event *event = add_event(sample->time, kinds[point], (pid_t)sample->tid);
	const size_t *at = points->at[point];
	memcpy(&abi, raw + sample->size, sizeof(abi));
	event->foreign = abi == ABI_32BIT;
	if (point == PERF_CAPABLE) {
		event->value = field_of(sample, at[PERF_CAP], sizeof(int));
	} else {
		event->call = field_of(sample, at[PERF_ID], sizeof(long));
		event->value = field_of(sample, at[point == PERF_ENTER ? PERF_ARGS : PERF_RET], sizeof(long));
	}
}

/* PERF_RECORD_FORK and PERF_RECORD_EXIT. */
struct task_record {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

/* PERF_RECORD_COMM, whose time stands at its end. */
struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char name[];
};

static void take_comm(const unsigned char *record)
{
	const struct comm_record *comm = (const void *)record;
	uint64_t time;

	memcpy(&time, record + comm->header.size - sizeof(time), sizeof(time));
	/* With this flag by an execve(2), without by prctl(2). */
	struct task_event *event = add_event(time, TASK_NAMED, (pid_t)comm->tid);
	event->value = (comm->header.misc & PERF_RECORD_MISC_COMM_EXEC) != 0;
	memcpy(event->name, comm->name, strnlen(comm->name, sizeof(event->name) - 1));
}

/* Returns how many records this one says are lost. */
static uint64_t take_record(const unsigned char *record, const struct perf_points *points)
{
	const struct perf_event_header *header = (const void *)record;
	const struct task_record *task = (const void *)record;
	uint64_t lost;

	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		take_sample(record, points);
		return 0;
	case PERF_RECORD_FORK:
		add_event(task->time, TASK_FORK, (pid_t)task->tid)->value = (long)task->ptid;
		return 0;
	case PERF_RECORD_EXIT:
		(void)add_event(task->time, TASK_END, (pid_t)task->tid);
		return 0;
	case PERF_RECORD_COMM:
		take_comm(record);
		return 0;
	case PERF_RECORD_LOST:
		/* The number of the event, and how many. */
		memcpy(&lost, record + sizeof(*header) + sizeof(uint64_t), sizeof(lost));
		return lost;
	default:
		return 0;
	}
}

uint64_t perf_ring_take(const struct perf_ring *ring, const struct perf_points *points)
{
	struct perf_event_mmap_page *page = ring->map;
	_Alignas(struct sample) unsigned char record[RECORD_BYTES];
	struct perf_event_header header;
	uint64_t lost = 0, tail = page->data_tail;
	/* Read before what it covers, and written after: "the mmap layout" in perf_event_open(2). */
	const uint64_t head = atomic_load_explicit((_Atomic uint64_t *)&page->data_head, memory_order_acquire);

	for (; tail < head; tail += header.size) {
		copy_out(ring, &header, tail, sizeof(header));
		if (header.size < sizeof(header) || header.size > head - tail)
			return lost + 1;
		if (header.size > sizeof(record)) {
			lost++;
			continue;
		}
		memset(record, 0, sizeof(record));
		copy_out(ring, record, tail, header.size);
		lost += take_record(record, points);
	}
	atomic_store_explicit((_Atomic uint64_t *)&page->data_tail, tail, memory_order_release);
	return lost;
}

static int by_time(const void *one, const void *other)
{
	const struct task_event *a = one, *b = other;

	return (a->time > b->time) - (a->time < b->time);
}

void perf_ring_hand_on(uint64_t time)
{
	size_t done = 0;

	if (waiting.count)
		qsort(waiting.events, waiting.count, sizeof(*waiting.events), by_time);
	while (done < waiting.count && waiting.events[done].time < time)
		tasks_event(&waiting.events[done++]);
	waiting.count -= done;
	if (waiting.count)
		memmove(waiting.events, waiting.events + done, waiting.count * sizeof(*waiting.events));
}
