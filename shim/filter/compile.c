#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/seccomp.h>

#include "base/fd.h"
#include "filter/parts.h"

#define NUMBERS 1024 /* more than any architecture has calls */

static struct filter_call *find_call(struct filter_call **calls, struct mem *mem, const char *name, int number)
{
	for (struct filter_call *call = *calls; call; call = call->next)
		if (call->number == number)
			return call;
	struct filter_call *call = mem_alloc(mem, sizeof(*call));
	call->name = name;
	call->number = number;
	call->next = *calls;
	*calls = call;
	return call;
}

struct filter_call *filter_calls(struct mem *mem, const struct filter_profile *profile, uint64_t keep)
{
	struct filter_call *calls = NULL;

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next) {
		const struct node *name = filter_rule_applies(rule, keep) ? filter_rule_name(rule, NULL) : NULL;
		for (; name; name = filter_rule_name(rule, name)) {
			int number = seccomp_syscall_resolve_name(name->text);
			if (number == __NR_SCMP_ERROR)
				continue;
			struct filter_call *call = find_call(&calls, mem, name->text, number);
			struct filter_use **at = &call->uses, *use = mem_alloc(mem, sizeof(*use));
			while (*at && filter_rank((*at)->rule->action) <= filter_rank(rule->action))
				at = &(*at)->next;
			use->rule = rule;
			use->next = *at;
			*at = use;
			call->conditional |= rule->nconditions > 0;
		}
	}
	return calls;
}

/*
 * The number of the call NAME on ARCH, or -1. Where calls are multiplexed, libseccomp answers with a negative number
 * for those that exist on their own too; *PSEUDO receives it, otherwise 0.
 */
static int number_on(uint32_t arch, const char *name, int *pseudo)
{
	int number = seccomp_syscall_resolve_name_arch(arch, name);

	*pseudo = 0;
	if (number >= 0)
		return number;
	*pseudo = number <= -100 && number > -10000 ? number : 0;
	for (int n = 0; *pseudo && n < NUMBERS; n++) {
		char *found = seccomp_syscall_resolve_num_arch(arch, n);
		const bool same = found && strcmp(found, name) == 0;
		free(found);
		if (same)
			return n;
	}
	return -1;
}

/* The newest call of ARCH that the profile speaks of, whether it applies or not; Arm's private ones do not count. */
static uint32_t newest_on(const struct filter_profile *profile, uint32_t arch)
{
	int newest = 0;

	for (const struct filter_rule *rule = profile->rules; rule; rule = rule->next)
		for (const struct node *name = filter_rule_name(rule, NULL); name;
		     name = filter_rule_name(rule, name)) {
			int number = seccomp_syscall_resolve_name_arch(arch, name->text);
			if (number > newest && (arch != SCMP_ARCH_ARM || number < FILTER_ARM_PRIVATE))
				newest = number;
		}
	return (uint32_t)newest;
}

/*
 * A rule on the arguments of a call that socketcall(2) or ipc(2) can make as well, with arguments that a filter does
 * not see: where the default would let it through, and the profile says nothing of the multiplexer, the strictest rule
 * holds for all of it.
 */
static void add_multiplexed(struct filter_code *code, const struct filter_profile *profile, uint32_t arch,
			    const struct filter_call *call, int pseudo, bool said)
{
	const bool ipc = pseudo <= -200;
	const int number = seccomp_syscall_resolve_name_arch(arch, ipc ? "ipc" : "socketcall");
	const uint32_t action = call->uses->rule->action;

	if (said || number < 0 || filter_rank(action) >= filter_rank(profile->action))
		return;
	/* The upper half of ipc's first argument is a version, see ipc(2). */
	filter_code_multiplexed(code, (uint32_t)number, ipc ? 0xffff : UINT32_MAX, (uint32_t)(-pseudo % 100), action);
}

static bool says(const struct filter_call *calls, const char *name)
{
	while (calls && strcmp(calls->name, name) != 0)
		calls = calls->next;
	return calls != NULL;
}

/* Everything that libseccomp is not asked for on ARCH: the newest call, and those whose arguments count. */
static void add_arch(struct filter_code *code, const struct filter_profile *profile, uint32_t arch,
		     const struct filter_call *calls)
{
	const bool x32 = arch == SCMP_ARCH_X32;
	const uint32_t audit = x32 ? AUDIT_ARCH_X86_64 : arch;
	const bool errno_default = (profile->action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

	if (errno_default && profile->action != (SECCOMP_RET_ERRNO | ENOSYS))
		filter_code_newest(code, audit, newest_on(profile, arch), x32);
	for (const struct filter_call *call = calls; call; call = call->next) {
		int pseudo = 0;
		int number = call->conditional ? number_on(arch, call->name, &pseudo) : -1;
		if (number >= 0)
			filter_code_call(code, (uint32_t)number, call->uses, profile->action);
		if (call->conditional && pseudo != 0)
			add_multiplexed(code, profile, arch, call, pseudo,
					says(calls, pseudo <= -200 ? "ipc" : "socketcall"));
	}
}

size_t filter_sections(struct filter_section *sections, struct mem *mem, const struct filter_profile *profile,
		       const struct filter_call *calls)
{
	size_t count = 0;

	for (size_t i = 0; i < profile->narchs; i++) {
		const uint32_t arch = profile->archs[i] == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : profile->archs[i];
		size_t at = 0;
		while (at < count && sections[at].arch != arch)
			at++;
		if (at == count) {
			filter_code_start(&sections[at].code, mem);
			sections[at].arch = arch;
			count++;
		}
		if (i == 0)
			filter_code_canary(&sections[at].code);
		add_arch(&sections[at].code, profile, profile->archs[i], calls);
	}
	return count;
}

/* What libseccomp makes of the calls that are decided by their number alone. */
static int add_calls(scmp_filter_ctx ctx, const struct filter_profile *profile, const struct filter_call *calls)
{
	int error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);

	if (!error)
		error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	/* The whole process: a program of whose threads one is missing hangs. */
	if (!error)
		error = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	for (size_t i = 1; !error && i < profile->narchs; i++)
		error = seccomp_arch_add(ctx, profile->archs[i]);
	for (; !error && calls; calls = calls->next)
		if (!calls->conditional && calls->uses->rule->action != profile->action)
			error = seccomp_rule_add(ctx, calls->uses->rule->action, calls->number, 0);
	return error;
}

/* Exports the program through a file in memory: seccomp_export_bpf_mem() is newer than what distributions have. */
static int export(scmp_filter_ctx ctx, struct mem *mem, struct sock_filter **body, size_t *count)
{
	struct stat st;
	int fd = fd_checked(memfd_create("filter", MFD_CLOEXEC));

	if (fd < 0)
		return -errno;
	int error = seccomp_export_bpf(ctx, fd);
	if (!error && fd_fstat(fd, &st) != 0)
		error = -errno;
	if (!error) {
		*count = (size_t)st.st_size / sizeof(**body);
		*body = mem_array(mem, *count + 1, sizeof(**body));
		if (pread(fd, *body, (size_t)st.st_size, 0) != st.st_size)
			error = -EIO;
	}
	close(fd);
	return error;
}

int filter_body(struct mem *mem, const struct filter_profile *profile, const struct filter_call *calls,
		struct sock_filter **body, size_t *count)
{
	/* Level 3 knows every action of a profile; without this libseccomp asks the kernel that it happens to run on. */
	(void)seccomp_api_set(3);
	scmp_filter_ctx ctx = seccomp_init(profile->action);
	if (!ctx)
		return -ENOMEM;
	int error = add_calls(ctx, profile, calls);
	if (!error)
		error = export(ctx, mem, body, count);
	seccomp_release(ctx);
	return error;
}

bool filter_compile_profile(struct filter *filter, struct filter_profile *profile, struct problems *problems,
			    const struct node *node, const struct filter_target *target)
{
	struct filter_section sections[FILTER_ARCHS];
	struct sock_filter *body = NULL;
	size_t nbody = 0;

	memset(filter, 0, sizeof(*filter));
	if (!filter_profile_read(profile, problems, node, target))
		return false;
	struct mem *mem = &problems->mem;
	const struct filter_call *calls = filter_calls(mem, profile, target->keep);
	int error = filter_body(mem, profile, calls, &body, &nbody);
	if (error) {
		yaml_problem(problems, node, "libseccomp cannot compile this profile: %s", strerror(-error));
		return false;
	}
	size_t count = filter_sections(sections, mem, profile, calls);
	if (!filter_assemble(filter, mem, sections, count, body, nbody)) {
		yaml_problem(problems, node, "too large: the kernel takes %d instructions", BPF_MAXINSNS);
		return false;
	}
	filter->flags = profile->flags;
	const char *why = filter_unusable(mem, filter);
	if (why)
		yaml_problem(problems, node, "nothing could run under this profile: %s", why);
	return !why;
}

bool filter_compile(struct filter *filter, struct problems *problems, const struct node *profile,
		    const struct filter_target *target)
{
	struct filter_profile read;

	return filter_compile_profile(filter, &read, problems, profile, target);
}

void filter_unknown(struct mem *mem, const struct node *profile, const struct filter_target *target, struct list *lines)
{
	struct problems scratch = {0};
	struct filter_profile read;

	if (filter_profile_read(&read, &scratch, profile, target))
		for (const struct filter_rule *rule = read.rules; rule; rule = rule->next)
			for (const struct node *n = filter_rule_name(rule, NULL); n; n = filter_rule_name(rule, n))
				if (seccomp_syscall_resolve_name(n->text) == __NR_SCMP_ERROR)
					list_add(mem, lines,
						 mem_format(mem,
							    "%s:%u:%u: unknown system call \"%s\": it stays denied",
							    n->file, n->line, n->column, n->text));
	mem_release(&scratch.mem);
}
