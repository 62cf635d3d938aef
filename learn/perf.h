/*
 * What the files of the perf back end share; for nobody else.
 */
#pragma once

#include <stddef.h>

#include "tasks.h"

/* The tracepoints that are used, and which of their fields. */
enum perf_point { PERF_ENTER, PERF_LEAVE, PERF_CAPABLE, PERF_POINTS };
enum perf_field { PERF_ID, PERF_ARGS, PERF_RET, PERF_CAP, PERF_FIELDS };

struct perf_points {
	unsigned int id[PERF_POINTS]; /* as samples name it */
	size_t at[PERF_POINTS][PERF_FIELDS];
};

/* perf_ring.c: a ring buffer that the kernel writes records to. */
struct perf_ring {
	void *map;   /* NULL: none */
	size_t size; /* bytes of its records, a power of two */
};

/* Maps that of the event FD, of SIZE bytes or, where the kernel lends less, of as many as it does. */
[[nodiscard]] bool perf_ring_map(struct perf_ring *ring, int fd, size_t size);
void perf_ring_unmap(struct perf_ring *ring);

/* Adds what has come in to the events that wait. Returns how many records were lost. */
uint64_t perf_ring_take(const struct perf_ring *ring, const struct perf_points *points);

/* Hands those that happened before TIME to tasks_event(). */
void perf_ring_hand_on(uint64_t time);
