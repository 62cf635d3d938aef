#include "filter/filter.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "base/diag.h"
#include "filter/default.h"
#include "filter/parts.h"

void filter_default(struct filter *filter, struct mem *mem, uint64_t keep)
{
	struct filter_code code;

	code.count = 0;
	const size_t skip = filter_code_arch(&code, filter_native());
	filter_code_canary(&code);
	for (size_t i = 0; i < filter_default_nvariants; i++) {
		const struct filter_variant *variant = &filter_default_variants[i];
		if ((keep & variant->mask) == variant->kept)
			filter_code_add(&code, filter_default_calls + variant->start, variant->count);
	}
	filter_code_add(&code, filter_default_ranges, filter_default_nranges);
	filter_code_skip_end(&code, skip);
	filter->flags = 0;
	/* The build has checked that the largest of them fits. */
	if (!filter_code_end(&code, filter, mem))
		diag_die(DIAG_SYSTEM, "cannot build the default seccomp filter: too large");
}

static char *unpack(char *to, unsigned char byte)
{
	if (byte < 0x80) {
		*to = (char)byte;
		return to + 1;
	}
	to = unpack(to, filter_default_pairs[byte - 0x80][0]);
	return unpack(to, filter_default_pairs[byte - 0x80][1]);
}

const struct node *filter_default_profile(struct problems *problems)
{
	char *text = mem_alloc(&problems->mem, filter_default_length), *to = text;

	for (const unsigned char *at = filter_default_text; *at; at++) {
		if (*at < '\n') {
			*to++ = '"';
			to = stpcpy(to, call_name((at[0] - 1U) * FILTER_REFERENCES + at[1] - 1U));
			*to++ = '"';
			at++;
		} else {
			to = unpack(to, *at);
		}
	}
	return yaml_read(problems, "default.json", text, (size_t)(to - text));
}

/* The canary's answer now: 0 if capshim has loaded no filter. */
static int canary(void)
{
	const long result = syscall(SYS_prctl, FILTER_CANARY_OPTION, 0UL, 0UL, 0UL, 0UL);

	return result == -1 && errno >= FILTER_CANARY_ERRNO ? errno : 0;
}

/* Loads the filter. Afterwards its canary must answer with the errno value EXPECTED. */
static void load(const struct filter *filter, int expected)
{
	const struct sock_fprog program = {.len = filter->count, .filter = filter->code};
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program);

	/* Kernels older than seccomp(2) only have the prctl, without flags. */
	if (result != 0 && (errno == ENOSYS || errno == EPERM) && filter->flags == 0)
		result = syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0UL, 0UL);
	/* A result above 0 is a thread that TSYNC could not include, and there are no threads. */
	if (result != 0)
		diag_cannot("load", "the seccomp filter", errno, DIAG_NO_CAP);
	if (canary() != expected)
		diag_die(DIAG_UNPROVEN, "the seccomp filter is not in force, though the kernel took it");
}

/*
 * Inside another capshim the canary already answers. The new filter must answer differently, and the newer of two
 * filters wins.
 */
static void load_again(const struct filter *filter, int expected)
{
	struct sock_filter code[BPF_MAXINSNS];
	struct filter copy = *filter;

	copy.code = code;
	for (size_t i = 0; i < filter->count; i++) {
		code[i] = filter->code[i];
		if (code[i].code == (BPF_RET | BPF_K) && code[i].k == (SECCOMP_RET_ERRNO | FILTER_CANARY_ERRNO))
			code[i].k = SECCOMP_RET_ERRNO | (uint32_t)expected;
	}
	load(&copy, expected);
}

void filter_load(const struct filter *filter)
{
	const int before = canary();

	if (before)
		load_again(filter, before + 1);
	else
		load(filter, FILTER_CANARY_ERRNO);
}
