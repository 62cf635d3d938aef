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

/* A system call without libc, whose function and errno are unmapped by then. Returns -errno, as the kernel does. */
RESIDENT static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d)
{
	long result = number;

#if defined(__x86_64__)
	register long fourth __asm__("r10") = d;

	__asm__ volatile("syscall" : "+a"(result) : "D"(a), "S"(b), "d"(c), "r"(fourth) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	result = x0;
#elif defined(__riscv) && __riscv_xlen == 64
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	result = a0;
#elif defined(__arm__)
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;

	__asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
	result = r0;
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
