/*
 * Keeps the counters of an instrumented capshim in a System V shared memory segment, which all of its runs add to. What
 * clang's own runtime does instead, writing a file at the end, cannot work here: capshim ends by execve(2), by _exit(2)
 * or behind a filter. A file that is mapped would do, but not behind a chroot, in an image without that directory, or
 * for a user who may not open it. A segment needs no path, no descriptor and no environment, and costs two system calls
 * before main(). Where there is none (another IPC namespace, a faked call) the run is simply not counted.
 *
 * Linked first, so that BEGIN is where the section of the counters begins; section.c is last and fills its last page.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/shm.h>

#define PAGE 4096

/* The linker's names for the ends of a section. */
extern char __start___llvm_prf_cnts[], __stop___llvm_prf_cnts[];

__attribute__((used, aligned(PAGE), section("__llvm_prf_cnts"))) static char begin[PAGE];

/* What the compiler's objects may refer to, so that the runtime of clang is linked. */
int __llvm_profile_runtime;

/*
 * Raw system calls would do the same; musl makes no other ones here. 0 is no segment of ours (coverage.py sees to it),
 * but what a faked shmget(2) answers, and attaching another one's segment would write into it.
 */
__attribute__((constructor(101))) static void share_counters(void)
{
	int segment = shmget(COUNTERS_KEY, (size_t)(__stop___llvm_prf_cnts - __start___llvm_prf_cnts), 0);

	if (segment > 0)
		(void)shmat(segment, __start___llvm_prf_cnts, SHM_REMAP);
}
