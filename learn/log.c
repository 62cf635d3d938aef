#include "log.h"

#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "filter/filter.h"

/* One call of one architecture. */
struct log_call {
	struct log_call *next;
	uint32_t arch; /* AUDIT_ARCH_… */
	long number;
	const char *name; /* NULL: it has none, or its architecture is no ABI of this machine */
	size_t times;
	struct list programs; /* as they are shown */
};

/* What stands behind KEY= in LINE, without quotes; NULL: it has no such member. */
static const char *value_of(struct mem *mem, const char *line, const char *key)
{
	const char *at = strstr(line, mem_format(mem, " %s=", key));

	if (!at)
		return NULL;
	at += strlen(key) + 2;
	at += *at == '"';
	return mem_copy(mem, at, strcspn(at, "\" \n"));
}

static struct log_call *find_call_of(struct log_call **calls, struct mem *mem, uint32_t arch, long number)
{
	while (*calls && ((*calls)->arch != arch || (*calls)->number != number))
		calls = &(*calls)->next;
	struct log_call *call = *calls;
	if (call)
		return call;
	call = *calls = mem_alloc(mem, sizeof(*call));
	call->arch = arch;
	call->number = number;
	call->name = filter_call_name(arch, (uint32_t)number);
	return call;
}

/*
 * audit: type=1326 audit(1795989372.316:3): … comm="unshare" … arch=c000003e syscall=272 … code=0x50000, where CODE is
 * what the filter answered, without its number: audit_seccomp() in kernel/auditsc.c.
 */
static void read_line(struct log_call **calls, struct mem *mem, const char *line)
{
	if (!strstr(line, "type=1326") && !strstr(line, "type=SECCOMP"))
		return;
	const char *arch = value_of(mem, line, "arch"), *number = value_of(mem, line, "syscall");
	const char *code = value_of(mem, line, "code"), *program = value_of(mem, line, "comm");
	if (!arch || !number || !program)
		return;
	const unsigned long action = code ? strtoul(code, NULL, 16) : SECCOMP_RET_ERRNO;
	struct log_call *call = find_call_of(calls, mem, (uint32_t)strtoul(arch, NULL, 16), strtol(number, NULL, 10));
	/* Each start of capshim asks its filter for a sign of life: shim/filter/filter.h. */
	const bool canary = strncmp(program, "capshim", 7) == 0 && call->name && strcmp(call->name, "prctl") == 0;
	if (action == SECCOMP_RET_LOG || action == SECCOMP_RET_ALLOW || canary)
		return;
	const char *shown = mem_shown(mem, program);
	call->times++;
	if (!list_has(&call->programs, shown))
		list_add(mem, &call->programs, shown);
}

int log_names(void)
{
	struct mem mem = {0};
	struct log_call *calls = NULL;
	struct list names = {0};
	bool any = false;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0)
		read_line(&calls, &mem, line);
	free(line);
	for (const struct log_call *call = calls; call; call = call->next) {
		if (call->times == 0)
			continue;
		diag_print("%s: %zu time%s, by %s\n",
			   call->name ? call->name
				      : mem_format(&mem, "call %ld of architecture %x", call->number, call->arch),
			   call->times, call->times == 1 ? "" : "s", list_join(&mem, &call->programs, ", "));
		any = true;
		if (call->name && call->arch == filter_native())
			list_add(&mem, &names, call->name);
	}
	if (names.count)
		diag_print("\nWhat the workload needs of these can stand beside the profile:\n"
			   "    seccomp:\n      profile: FILE.json\n      allow: [%s]\n",
			   list_join(&mem, &names, ", "));
	if (!any)
		diag_print("no line says that a filter refused a call: that takes \"log: true\" under "
			   "\"seccomp\" in the config, and a kernel that audits\n");
	mem_release(&mem);
	return 0;
}
