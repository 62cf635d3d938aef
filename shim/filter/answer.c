#include <string.h>
#include <sys/syscall.h>

#include <linux/seccomp.h>

#include "filter/parts.h"

int32_t filter_rank(uint32_t action)
{
	/* Compared as the kernel compares: signed, so that KILL_PROCESS is the only action below zero. */
	return (int32_t)(action & SECCOMP_RET_ACTION_FULL);
}

/*
 * Runs a filter without knowing the call's arguments. Jumps only go forward, so one pass over the instructions
 * follows every path. At each instruction A is known if all paths to it agree on its value, otherwise unknown.
 */
struct run_state {
	unsigned char reached, known;
	uint32_t a;
};

struct run {
	struct run_state states[BPF_MAXINSNS]; /* as many as the filter has instructions */
	struct filter_answers answer;
	bool any;
};

static void reach(struct run *run, const struct filter *filter, size_t at, const struct run_state *from)
{
	struct run_state *to = at < filter->count ? &run->states[at] : NULL;

	if (!to)
		return;
	if (!to->reached)
		*to = *from;
	else if (!from->known || to->a != from->a)
		to->known = 0;
}

static void add_answer(struct run *run, uint32_t action)
{
	/* The canary belongs to capshim, not to the profile. */
	if (action == (SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO))
		return;
	if (!run->any || filter_rank(action) < filter_rank(run->answer.strictest))
		run->answer.strictest = action;
	if (!run->any || filter_rank(action) > filter_rank(run->answer.laxest))
		run->answer.laxest = action;
	run->any = true;
}

static bool test_holds(const struct sock_filter *test, uint32_t a)
{
	switch (BPF_OP(test->code)) {
	case BPF_JEQ:
		return a == test->k;
	case BPF_JGT:
		return a > test->k;
	case BPF_JGE:
		return a >= test->k;
	default:
		return (a & test->k) != 0;
	}
}

static void jump(struct run *run, const struct filter *filter, size_t at, const struct run_state *now)
{
	const struct sock_filter *test = &filter->code[at];

	if (BPF_OP(test->code) == BPF_JA) {
		reach(run, filter, at + 1 + test->k, now);
		return;
	}
	if (!now->known || test_holds(test, now->a))
		reach(run, filter, at + 1 + test->jt, now);
	if (!now->known || !test_holds(test, now->a))
		reach(run, filter, at + 1 + test->jf, now);
}

struct filter_answers filter_answer(const struct filter *filter, uint32_t arch, uint32_t number)
{
	struct run run;

	run.any = false;
	run.answer = (struct filter_answers){0};
	memset(run.states, 0, filter->count * sizeof(*run.states));
	run.states[0].reached = 1;
	for (size_t at = 0; at < filter->count && at < BPF_MAXINSNS; at++) {
		const struct sock_filter *i = &filter->code[at];
		struct run_state now = run.states[at];
		if (!now.reached)
			continue;
		switch (BPF_CLASS(i->code)) {
		case BPF_RET:
			add_answer(&run, i->k);
			break;
		case BPF_JMP:
			jump(&run, filter, at, &now);
			break;
		case BPF_LD:
			now.known = i->k <= offsetof(struct seccomp_data, arch);
			now.a = i->k == offsetof(struct seccomp_data, nr) ? number : arch;
			reach(&run, filter, at + 1, &now);
			break;
		default: /* only BPF_AND is ever generated */
			now.a &= i->k;
			reach(&run, filter, at + 1, &now);
			break;
		}
	}
	return run.answer;
}

const char *filter_unusable(struct mem *mem, const struct filter *filter, const char **denied)
{
	static const struct {
		const char *name;
		unsigned int number;
		const char *so;
	} needed[] = {
		{"execve", SYS_execve, "the workload cannot be started"},
		{"exit_group", SYS_exit_group, "no process could end"},
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		struct filter_answers answer = filter_answer(filter, filter_native(), needed[i].number);
		/* No tracer is attached to the workload, so SECCOMP_RET_TRACE answers ENOSYS, see seccomp(2). */
		*denied = needed[i].name;
		if (filter_rank(answer.laxest) < filter_rank(SECCOMP_RET_LOG))
			return mem_format(mem, "it denies %s, whatever the arguments: %s", *denied, needed[i].so);
	}
	return NULL;
}
