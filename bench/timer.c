/*
 * Runs commands again and again, all of them in turn, and prints how long each took:
 *
 *	timer [-m] ROUNDS WARM-UP FILE
 *
 * A line of FILE is a name and the words of a command, separated by tabs. Each round runs every command once and in
 * another order, so that whatever else the machine does, and what each leaves to the next, falls on all of them alike;
 * none runs twice in a row.
 *
 * A line of output is the name and, separated by tabs, in microseconds: the median and the tenth percentile from before
 * fork until the end is known; with -m the same until the workload (mark.c) runs, and from there until the end is known;
 * last the peak resident set in KB. A command that fails once has "-" in all columns, and no more turns.
 *
 * Standard input of the commands is /dev/null, standard output a pipe; standard error only shows in the first turn.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VARIANTS 64
#define WORDS 64
#define COLUMNS 3

enum column { WHOLE, BEGINNING, END };

struct variant {
	char *name;
	char *words[WORDS];
	int64_t *times[COLUMNS]; /* nanoseconds, one a round */
	long peak;               /* KB */
	bool failed;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
		die("clock_gettime");
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int open_or_die(const char *name, int flags)
{
	const int fd = open(name, flags | O_CLOEXEC);

	if (fd < 0)
		die(name);
	return fd;
}

/* What is in the pipe so far; what is read last stays in MARK. */
static void drain(int fd, int64_t *mark)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		if (n == sizeof(*mark))
			memcpy(mark, bytes, sizeof(*mark));
}

/*
 * posix_spawn(3), for it shares its memory until the exec, as vfork(2) does: what a fork costs here is not the
 * command's. False where the command failed; the times are then nobody's.
 */
static bool turn(struct variant *v, const posix_spawn_file_actions_t *actions, int out, int64_t times[COLUMNS])
{
	extern char **environ;
	struct rusage usage;
	int64_t mark = 0;
	int status;
	pid_t child;

	const int64_t start = now();
	if (posix_spawn(&child, v->words[0], actions, NULL, v->words, environ) != 0)
		return false;
	if (wait4(child, &status, 0, &usage) != child)
		die("wait4");
	const int64_t end = now();
	drain(out, &mark);
	times[WHOLE] = end - start;
	times[BEGINNING] = mark - start;
	times[END] = end - mark;
	if (usage.ru_maxrss > v->peak)
		v->peak = usage.ru_maxrss;
	return status == 0;
}

static int variants_read(struct variant *variants, const char *name, long rounds)
{
	FILE *file = fopen(name, "r");
	char line[4096];
	int count = 0;

	if (!file)
		die(name);
	while (count < VARIANTS && fgets(line, sizeof(line), file)) {
		struct variant *v = &variants[count++];
		char *rest = strdup(line);
		size_t words = 0;
		v->name = rest ? strsep(&rest, "\t\n") : NULL;
		for (char *word; rest && words < WORDS - 1 && (word = strsep(&rest, "\t\n"));)
			if (*word)
				v->words[words++] = word;
		for (int i = 0; i < COLUMNS; i++)
			v->times[i] = calloc((size_t)rounds, sizeof(int64_t));
		v->failed = words == 0;
	}
	fclose(file);
	return count;
}

/* The same orders in every run of the timer: the low bits of a linear congruential generator are not random, so the high. */
static void shuffle(int *order, int count)
{
	static uint32_t state = 1;
	const int last = order[count - 1];

	for (int i = count; i > 1; i--) {
		state = state * 1664525U + 1013904223U;
		const int other = (int)((state >> 16) % (uint32_t)i), kept = order[i - 1];
		order[i - 1] = order[other];
		order[other] = kept;
	}
	if (order[0] == last) {
		order[0] = order[count - 1];
		order[count - 1] = last;
	}
}

static void rounds_run(struct variant *variants, int count, long rounds, long warmup, bool marks)
{
	posix_spawn_file_actions_t loud, quiet;
	const int in = open_or_die("/dev/null", O_RDONLY), null = open_or_die("/dev/null", O_WRONLY);
	int out[2], order[VARIANTS];

	if (pipe2(out, O_CLOEXEC) != 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) != 0)
		die("pipe2");
	posix_spawn_file_actions_init(&loud);
	posix_spawn_file_actions_adddup2(&loud, in, 0);
	posix_spawn_file_actions_adddup2(&loud, out[1], 1);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_adddup2(&quiet, in, 0);
	posix_spawn_file_actions_adddup2(&quiet, out[1], 1);
	posix_spawn_file_actions_adddup2(&quiet, null, 2);
	for (int i = 0; i < count; i++)
		order[i] = i;
	for (long round = -warmup; round < rounds; round++) {
		for (int i = 0; i < count; i++) {
			struct variant *v = &variants[order[i]];
			int64_t times[COLUMNS];
			if (v->failed)
				continue;
			if (!turn(v, round == -warmup ? &loud : &quiet, out[0], times) ||
			    (marks && (times[BEGINNING] <= 0 || times[END] <= 0)))
				v->failed = true;
			for (int c = 0; c < COLUMNS && round >= 0; c++)
				v->times[c][round] = times[c];
		}
		shuffle(order, count);
	}
}

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void variant_print(struct variant *v, long rounds, bool marks)
{
	printf("%s", v->name);
	for (int c = 0; c < (marks ? COLUMNS : 1); c++) {
		int64_t *times = v->times[c];
		qsort(times, (size_t)rounds, sizeof(*times), compare);
		if (v->failed)
			printf("\t-\t-");
		else
			printf("\t%.1f\t%.1f", (double)times[rounds / 2] / 1e3, (double)times[rounds / 10] / 1e3);
	}
	if (v->failed)
		printf("\t-\n");
	else
		printf("\t%ld\n", v->peak);
}

int main(int argc, char **argv)
{
	static struct variant variants[VARIANTS];
	const bool marks = argc > 1 && strcmp(argv[1], "-m") == 0;

	argv += marks;
	if (argc - marks != 4)
		return 1;
	const long rounds = strtol(argv[1], NULL, 10), warmup = strtol(argv[2], NULL, 10);
	const int count = rounds > 0 && warmup >= 0 ? variants_read(variants, argv[3], rounds) : 0;
	rounds_run(variants, count, rounds, warmup, marks);
	for (int i = 0; i < count; i++)
		variant_print(&variants[i], rounds, marks);
	return count == 0;
}
