/*
 * Changes to a compiled profile (FILE.bpf), five bytes each: what to do, where (two bytes), and two of a value. A real
 * one cannot be a seed, since it names the version of libseccomp. What must hold:
 *
 * - what is not the file that was written is refused, unless its checksum was made right as well;
 * - then every field decides as the description below says, and what is accepted are the instructions of the file;
 * - what is accepted can be loaded or is refused by the kernel, and the process ends either way.
 */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "filter/parts.h"
#include "fuzz.h"

#define KEEP UINT64_C(0x400) /* NET_BIND_SERVICE */
#define FLAGS 7U /* TSYNC, LOG, SPEC_ALLOW: with a listener, which nobody answers, a filter can wait for ever */
#define MOST 65536
#define OPERATION 5
#define LOADS 64 /* of so many accepted ones, one is loaded: a child costs a millisecond */

/* A FILE.bpf, for whoever writes one without capshim. */
struct file {
	char magic[16], made_by[48];
	uint32_t arch, flags;
	uint64_t keep;
	uint32_t reached, missed, count, unused;
	uint64_t checksum;
};

enum { SET_BYTE, SET_WORD, FLIP, CUT, GROW, RIGHT, OPERATIONS };

static const char json[] =
	"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [\n"
	"{\"names\": [\"mount\"], \"action\": \"SCMP_ACT_ERRNO\", \"includes\": {\"minKernel\": \"4.8\"}},\n"
	"{\"names\": [\"socket\"], \"action\": \"SCMP_ACT_KILL_PROCESS\", \"args\": [{\"index\": 0, "
	"\"value\": 16, \"op\": \"SCMP_CMP_EQ\"}]},\n"
	"{\"names\": [\"ioctl\"], \"action\": \"SCMP_ACT_LOG\", \"excludes\": {\"minKernel\": \"9.1\"}}]}\n";
static const struct filter_target target = {.keep = KEEP, .kernel_major = 5, .kernel_minor = 10};
static unsigned char original[MOST], changed[MOST];
static size_t original_length;

/* The linker puts this in the place of trust_read(): the profile above is no file. */
char *__wrap_trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why);

char *__wrap_trust_read(struct mem *mem, const char *path, size_t limit, size_t *length, const char **why)
{
	(void)path;
	*why = NULL;
	*length = strlen(json);
	FUZZ_HOLDS(*length <= limit);
	return mem_text(mem, json);
}

/* The file that --compile-seccomp makes of it. */
static void make_original(void)
{
	char name[] = "/tmp/capshim-fuzz-XXXXXX";
	int fd = mkstemp(name);
	struct problems problems = {0};

	FUZZ_HOLDS(fd >= 0 && filter_compile_file(&problems, "profile.json", name, &target) == 0);
	mem_release(&problems.mem);
	ssize_t length = read(fd, original, MOST);
	close(fd);
	unlink(name);
	FUZZ_HOLDS(length > (ssize_t)sizeof(struct file) && length < MOST / 2);
	original_length = (size_t)length;
}

static uint64_t sum(const unsigned char *bytes, size_t length)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++) {
		const bool own = i >= offsetof(struct file, checksum) && i < sizeof(struct file);
		value = (value ^ (own ? 0 : bytes[i])) * UINT64_C(0x100000001b3);
	}
	return value;
}

/* Carries out the changes; the length of the file then. */
static size_t change(const uint8_t *bytes, size_t length)
{
	size_t now = original_length;

	memcpy(changed, original, MOST);
	for (; length >= OPERATION; bytes += OPERATION, length -= OPERATION) {
		const size_t where = bytes[1] | (size_t)bytes[2] << 8;
		const uint32_t value = bytes[3] | (uint32_t)bytes[4] << 8;
		const size_t at = now ? where % now : 0;
		const uint64_t right = sum(changed, now);
		switch (bytes[0] % OPERATIONS) {
		case SET_BYTE:
			changed[at] = (unsigned char)value;
			break;
		case SET_WORD:
			memcpy(changed + at / 4 * 4, &value, sizeof(value));
			break;
		case FLIP:
			changed[at] ^= (unsigned char)(1U << value % 8);
			break;
		case CUT:
			now = at;
			break;
		case GROW:
			now += now < MOST / 2 ? value % 64 : 0;
			break;
		default:
			if (now >= sizeof(struct file))
				memcpy(changed + offsetof(struct file, checksum), &right, sizeof(right));
			break;
		}
	}
	return now;
}

/* Should the LENGTH changed bytes be taken, but for what their instructions do? */
static bool is_right(size_t length)
{
	struct file file, first;

	if (length < sizeof(file))
		return false;
	memcpy(&file, changed, sizeof(file));
	memcpy(&first, original, sizeof(first));
	return memcmp(file.magic, first.magic, sizeof(file.magic)) == 0 && file.checksum == sum(changed, length) &&
	       (file.flags & ~FLAGS) == 0 && memcmp(file.made_by, first.made_by, sizeof(file.made_by)) == 0 &&
	       file.arch == seccomp_arch_native() && file.keep == KEEP && file.reached <= (5U << 16 | 10) &&
	       (!file.missed || file.missed > (5U << 16 | 10)) && file.count >= 1 && file.count <= BPF_MAXINSNS &&
	       length == sizeof(file) + file.count * sizeof(struct sock_filter);
}

/*
 * In a child: the filter may be any. The sanitizer makes calls of its own before what does not return, and may wait for
 * itself where the filter answers them.
 */
static __attribute__((no_sanitize("address"))) void load(const struct filter *filter)
{
	int status;
	pid_t child = fork();

	FUZZ_HOLDS(child >= 0);
	if (child == 0) {
		const struct rlimit none = {0, 0}, seconds = {5, 5};
		(void)!freopen("/dev/null", "w", stderr);
		fuzz_may_end = true;
		setrlimit(RLIMIT_CORE, &none);
		setrlimit(RLIMIT_CPU, &seconds);
		/* libFuzzer's handler makes calls that the filter answers somehow, and ends in another signal. */
		(void)signal(SIGILL, SIG_DFL);
		(void)signal(SIGALRM, SIG_DFL);
		alarm(20);
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		filter_load(filter);
		syscall(SYS_exit_group, 0);
		__builtin_trap(); /* the filter does not let it end */
	}
	while (waitpid(child, &status, 0) != child)
		FUZZ_HOLDS(errno == EINTR); /* by libFuzzer's clock */
	if (WIFEXITED(status))
		FUZZ_HOLDS(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIAG_SYSTEM ||
			   WEXITSTATUS(status) == DIAG_UNPROVEN);
	else
		FUZZ_HOLDS(WTERMSIG(status) != SIGXCPU && WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGABRT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static unsigned int accepted;
	struct mem mem = {0};
	struct filter filter = {.code = NULL};
	const char *denied;

	if (!original_length)
		make_original();
	const size_t now = change(bytes, length);
	const bool same = now == original_length && memcmp(changed, original, now) == 0;
	/* Exactly as long as it is, so that reading behind the end shows. */
	const char *file = mem_copy(&mem, (const char *)changed, now);
	const char *why = filter_read(&filter, &mem, file, now, &target);

	FUZZ_HOLDS(!why || why[0]);
	FUZZ_HOLDS(!same || !why);
	FUZZ_HOLDS(why || is_right(now));
	if (is_right(now)) {
		FUZZ_HOLDS(filter.code && filter.count == (now - sizeof(struct file)) / sizeof(*filter.code));
		FUZZ_HOLDS(memcmp(filter.code, changed + sizeof(struct file), filter.count * sizeof(*filter.code)) ==
			   0);
		FUZZ_HOLDS((why == NULL) == (filter_unusable(&mem, &filter, &denied) == NULL));
	}
	if (!why && accepted++ % LOADS == 0)
		load(&filter);
	mem_release(&mem);
	return 0;
}

/* Changes at the places that count, and most of the time with a checksum that is right. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed)
{
	static const uint16_t places[] = {0, 15, 16, 63, 64, 68, 72, 80, 84, 88, 92, 96, 104, 112, 120, 128, 136};
	const uint8_t right[OPERATION] = {RIGHT, 0, 0, 0, 0};
	const uint16_t place = places[seed % (sizeof(places) / sizeof(*places))];

	length = LLVMFuzzerMutate(bytes, length, most);
	length -= length % OPERATION;
	if (seed % 3 == 0 && length >= OPERATION)
		memcpy(bytes + (seed >> 8) % (length / OPERATION) * OPERATION + 1, &place, sizeof(place));
	if (seed % 5 && length + OPERATION <= most) {
		memcpy(bytes + length, right, OPERATION);
		length += OPERATION;
	}
	return length ? length : LLVMFuzzerMutate(bytes, 1, most);
}
