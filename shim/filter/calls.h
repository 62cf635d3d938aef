/*
 * The system calls that libseccomp knows by name, sorted, and their numbers on this machine: constants that
 * deps/calls-generate.c takes from libseccomp while capshim is built. A call is its place in that order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Numbers are kept as slots. Those of the kernel's tables are their own slots, x32's without FILTER_X32_BIT; 32-bit Arm
 * also has calls that are in no kernel table, such as set_tls, whose slots follow.
 */
#define CALL_NUMBERS 1024 /* more than any architecture has calls */
#define CALL_ARM_PRIVATE UINT32_C(0xf0000)
#define CALL_SLOTS (CALL_NUMBERS + 16)
#define CALL_NONE 0xffff
#define FILTER_X32_BIT UINT32_C(0x40000000) /* this bit of a call's number marks the x32 ABI of x86-64 */

/* A call that socketcall(2) or ipc(2) can make as well: VALUE is their first argument, with 100 or 200 added. */
struct call_sub {
	uint16_t call, value;
};

/* An ABI that this machine's kernels run. */
struct call_abi {
	uint32_t arch;    /* AUDIT_ARCH_…, or CALL_ARCH_X32 */
	const char *name; /* libseccomp's, such as "x86_64" */
	const uint16_t *slots;
	const struct call_sub *subs; /* ends with CALL_NONE */
};

/* The machine's own, the 32-bit one, and x32, as many as it has; x32 has the AUDIT_ARCH_… of x86-64, and libseccomp this. */
#define CALL_ABI_32BIT 1
#define CALL_ABI_X32 2
#define CALL_ARCH_X32 UINT32_C(0x4000003e)

extern const struct call_abi call_abis[];
extern const size_t call_nabis;
extern const size_t call_count;
extern const uint16_t call_names[]; /* where the name of each call begins in … */
extern const char call_text[];
extern const char call_machine[]; /* in includes.arches, such as "amd64" */
extern const char call_made_by[]; /* the version of libseccomp */

/* The place of NAME, or -1. */
int call_find(const char *name);
const char *call_name(size_t call);

/* The number of CALL in ABI, without FILTER_X32_BIT, or -1. */
int call_number(const struct call_abi *abi, size_t call);

/* What CALL is to socketcall(2) or ipc(2) in ABI; NULL: they cannot make it. */
const struct call_sub *call_multiplexed(const struct call_abi *abi, size_t call);
