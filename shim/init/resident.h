/*
 * The code of the loop. It lies in one section, and the loop unmaps everything else: C library, heap, other code,
 * tables, environment. So nothing in it may call or read anything outside: no library function, no table of
 * constants, no strings, no instrumentation that a compiler adds. test/800-init.bats looks for references that leave
 * the section.
 */
#pragma once

#include <sys/syscall.h>

#define RESIDENT \
	__attribute__((section("init_resident"), no_stack_protector, no_sanitize("address"), no_sanitize("undefined")))

/* The instruction of a system call, and the registers of its number and of its arguments and result: syscall(2). */
#if defined(__aarch64__)
#define CALL "svc 0"
#define CALL_NUMBER "x8"
#define CALL_ARGUMENT "x"
#elif defined(__riscv) && __riscv_xlen == 64
#define CALL "ecall"
#define CALL_NUMBER "a7"
#define CALL_ARGUMENT "a"
#elif defined(__arm__)
#define CALL "svc 0"
#define CALL_NUMBER "r7"
#define CALL_ARGUMENT "r"
#endif

/* A system call without libc, whose function and errno are unmapped by then. Returns -errno, as the kernel does. */
RESIDENT static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d)
{
	long result = number;

#if defined(__x86_64__)
	register long fourth __asm__("r10") = d;

	__asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
#else
	register long which __asm__(CALL_NUMBER) = number;
	register long first __asm__(CALL_ARGUMENT "0") = a;
	register long second __asm__(CALL_ARGUMENT "1") = b;
	register long third __asm__(CALL_ARGUMENT "2") = c;
	register long fourth __asm__(CALL_ARGUMENT "3") = d;

	__asm__ volatile(CALL : "+r"(first) : "r"(which), "r"(second), "r"(third), "r"(fourth) : "memory");
	result = first;
#endif
	return result;
}

/*
 * Errors of kill(2) do not matter: a process that has ended needs no signal, and one that may not be signalled cannot
 * be stopped.
 */
RESIDENT static long signal_to(int pid, int signal)
{
	return call(SYS_kill, pid, signal, 0, 0);
}

struct init_state;

/*
 * Signals every descendant that may be signalled, in any process group and session: as process 1 every process of the
 * user in the PID namespace, otherwise those that STATE->proc shows to descend from this process. Returns how many
 * (as process 1: 1 for any number), or 0 if none was found.
 */
int init_signal_descendants(const struct init_state *state, int signal);
