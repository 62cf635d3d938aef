/* A state of privilege: the drop must reach it, and the proof must find it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a process must hold, no more and no less. */
struct privileges {
	uint32_t uid, gid;      /* real, effective, saved and file system ids */
	const uint32_t *groups; /* supplementary groups, ascending, without duplicates */
	size_t ngroups;
	uint64_t keep;     /* the inheritable, permitted, effective and ambient sets hold exactly these */
	uint64_t bounding; /* the bounding set holds exactly these: keep, or what a non-root start cannot drop */
	bool lock;         /* securebits become DROP_SECUREBITS; false only where CAP_SETPCAP was never there */
	bool bare;         /* the kernel has no securebits and no ambient set: keep is empty, and uid is not 0 */
};

/*
 * NOROOT and NO_CAP_AMBIENT_RAISE on, NO_SETUID_FIXUP off, all three locked; KEEP_CAPS off and not locked. A child of a
 * workload that keeps SETUID then loses its capabilities when it leaves uid 0, as it does without capshim, and programs
 * that set PR_SET_KEEPCAPS before they drop by themselves (ping, named, chronyd, setpriv) work.
 */
#define DROP_SECUREBITS 0xcbU
