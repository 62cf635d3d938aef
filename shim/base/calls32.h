/*
 * System calls by number on 32-bit machines, where the older call of a name takes 16 bits of an id (165536 would be
 * 34464), 32 bits of a time or of a file's size: its successor takes the name. For 32-bit Arm (HOST is arm-*) the
 * Makefile includes this before every file, so that none can forget it. Numbers: <sys/syscall.h>; successors:
 * syscalls(2), time_t: Linux 5.1.
 */
#pragma once

#include <sys/syscall.h>

#undef SYS_chown
#define SYS_chown SYS_chown32
#undef SYS_fchown
#define SYS_fchown SYS_fchown32
#undef SYS_lchown
#define SYS_lchown SYS_lchown32
#undef SYS_getuid
#define SYS_getuid SYS_getuid32
#undef SYS_getgid
#define SYS_getgid SYS_getgid32
#undef SYS_geteuid
#define SYS_geteuid SYS_geteuid32
#undef SYS_getegid
#define SYS_getegid SYS_getegid32
#undef SYS_getgroups
#define SYS_getgroups SYS_getgroups32
#undef SYS_getresuid
#define SYS_getresuid SYS_getresuid32
#undef SYS_getresgid
#define SYS_getresgid SYS_getresgid32
#undef SYS_setuid
#define SYS_setuid SYS_setuid32
#undef SYS_setgid
#define SYS_setgid SYS_setgid32
#undef SYS_setgroups
#define SYS_setgroups SYS_setgroups32
#undef SYS_setreuid
#define SYS_setreuid SYS_setreuid32
#undef SYS_setregid
#define SYS_setregid SYS_setregid32
#undef SYS_setresuid
#define SYS_setresuid SYS_setresuid32
#undef SYS_setresgid
#define SYS_setresgid SYS_setresgid32
#undef SYS_setfsuid
#define SYS_setfsuid SYS_setfsuid32
#undef SYS_setfsgid
#define SYS_setfsgid SYS_setfsgid32

#undef SYS_clock_gettime
#define SYS_clock_gettime SYS_clock_gettime64
#undef SYS_clock_settime
#define SYS_clock_settime SYS_clock_settime64
#undef SYS_clock_adjtime
#define SYS_clock_adjtime SYS_clock_adjtime64
#undef SYS_ppoll
#define SYS_ppoll SYS_ppoll_time64
#undef SYS_pselect6
#define SYS_pselect6 SYS_pselect6_time64
#undef SYS_rt_sigtimedwait
#define SYS_rt_sigtimedwait SYS_rt_sigtimedwait_time64
#undef SYS_utimensat
#define SYS_utimensat SYS_utimensat_time64
#ifdef SYS_settimeofday_time32 /* musl: no successor, clock_settime(2) is one */
#define SYS_settimeofday SYS_settimeofday_time32
#endif
#undef SYS_fcntl
#define SYS_fcntl SYS_fcntl64
#undef SYS_truncate
#define SYS_truncate SYS_truncate64
