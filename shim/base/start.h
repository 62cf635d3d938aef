/*
 * The state that the container gave this process: read once, before anything else, with system calls. Never from
 * /proc, which may be absent, hidden, or show another PID namespace.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The id that the kernel shows for an id that the user namespace does not map: the default of kernel.overflowuid and
 * kernel.overflowgid.
 */
#define OVERFLOW_ID 65534

#define START_SIGNALS 64 /* the kernel's _NSIG: signals 1..64, of which libc hides two or three */
#define START_SIGNAL_BIT(signal) (UINT64_C(1) << ((signal)-1))

/*
 * The signals whose disposition capshim ever changes, which must be restored. None is caught at the start: execve(2)
 * has reset handlers.
 */
#define START_TOUCHED                                                                                                  \
	(START_SIGNAL_BIT(SIGHUP) | START_SIGNAL_BIT(SIGINT) | START_SIGNAL_BIT(SIGQUIT) | START_SIGNAL_BIT(SIGTERM) | \
	 START_SIGNAL_BIT(SIGCHLD))

/* Sets of capabilities are masks: bit N is capability number N of capabilities(7). */
struct start {
	uint32_t uid, euid, suid;
	uint32_t gid, egid, sgid;
	uint32_t *groups; /* supplementary groups as getgroups(2) returns them: ascending, possibly with duplicates */
	size_t ngroups;
	/*
	 * Read if the start cannot set them (no CAP_SETUID, no CAP_SETGID): the id reads as OVERFLOW_ID but stands
	 * for another id, which the user namespace does not map, user_namespaces(7) "Unmapped user and group IDs".
	 */
	bool uid_unmapped, gid_unmapped, group_unmapped;
	uint32_t unmapped_group; /* which of the groups is not mapped, if group_unmapped */
	uint64_t inheritable, permitted, effective, ambient;
	uint64_t bounding; /* not read if CAP_SETPCAP is effective: see start_bounding() */
	uint64_t dropped;  /* since then: is in the bounding set no more, and need not be dropped again */
	unsigned int securebits;
	bool bare;        /* the kernel has neither securebits nor ambient sets, like gVisor */
	uint64_t blocked; /* signal mask: bit N-1 is signal N */
	uint64_t touched; /* signals whose disposition may be changed, so it was read */
	uint64_t ignored; /* those of them that are ignored (SIG_IGN) */
};

/* The five sets: their names in /proc/PID/status, proc(5), and in the OCI runtime specification. */
#define START_SETS 5

struct start_set {
	const char *status, *oci;
	size_t offset;
};

extern const struct start_set start_sets[START_SETS];

uint64_t start_set_of(const struct start *start, const struct start_set *set);

struct mem;

/* COUNT groups with SEPARATOR between them, in MEM. */
const char *start_groups(struct mem *mem, const uint32_t *groups, size_t count, const char *separator);

/*
 * Reads everything but the dispositions and `blocked`, which signals_block() reads. Ends the process with 111 if a
 * call fails that always works on a usable kernel.
 */
void start_read(struct start *start, struct mem *mem);

/*
 * Those of OF that are in the bounding set. With CAP_SETPCAP all of it can be dropped unread, so this asks the kernel for
 * each one; without, START has it.
 */
uint64_t start_bounding(const struct start *start, uint64_t of);

/* Reads the dispositions of SIGNALS: of those that a run may change, before it does. */
void start_read_dispositions(struct start *start, uint64_t signals);
