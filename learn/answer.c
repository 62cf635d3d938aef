#include "answer.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/capability.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/status.h"
#include "explain/explain.h"
#include "filter/filter.h"

#define PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"

/* Where it was learned: the answer can be another one elsewhere. */
static const char *kernel(struct mem *mem)
{
	struct utsname name;

	return uname(&name) == 0 ? mem_text(mem, name.release) : "?";
}

static const char *port_start(struct mem *mem)
{
	const char *text = status_text(mem, PORT_START);

	return text && *text ? mem_copy(mem, text, strcspn(text, "\n")) : "unknown";
}

static const char *name_of_call(struct mem *mem, long call)
{
	const char *name = filter_call_name(filter_native(), (uint32_t)call);

	return name ? name : mem_format(mem, "call %ld", call);
}

/* "bind by python3: EACCES", or "" where no call is known. */
static const char *answer_call(struct mem *mem, const struct observed_denial *denial)
{
	if (!denial->program[0])
		return "";
	return mem_format(mem, "%s by %s%s", name_of_call(mem, denial->call), mem_shown(mem, denial->program),
			  denial->error == EPERM    ? ": EPERM"
			  : denial->error == EACCES ? ": EACCES"
						    : ", which succeeds without it");
}

static void say_caps(const struct learned *learned, struct mem *mem, uint64_t set)
{
	bool root;

	for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++) {
		if (!(set & CAPABILITY_BIT(cap)))
			continue;
		const char *call = answer_call(mem, &learned->denial[cap]), *gain = explain_gain(cap, &root);
		diag_print("  %-22s %s\n", capability_name(cap).text,
			   *call ? call : "no failing call was seen, but the check fails without it");
		if (learned->keep & CAPABILITY_BIT(cap))
			diag_print("  %22s an attacker inside the workload %s%s\n", "", gain,
				   root ? " (as good as root)" : "");
	}
}

static void say_place(const struct learned *learned, struct mem *mem)
{
	diag_print("learned on Linux %s with ip_unprivileged_port_start %s, by %s: %u runs, %u of them rounds of "
		   "discovery, %u.%u s\n",
		   kernel(mem), port_start(mem), learned->back_end, learned->runs, learned->rounds, learned->ms / 1000,
		   learned->ms % 1000 / 100);
	if (learned->guessed)
		diag_print("no failing call led to this answer: it is what stayed of all that this container has\n");
	if (learned->changed && !learned->uncertain)
		diag_print("the workload changed files, and each run saw those of the one before: --reset "
			   "COMMAND puts them back\n");
}

/* No answer: what it did not pass with, and what it may take. */
static void say_failure(const struct learned *learned, struct mem *mem)
{
	const uint64_t missing = learned->asked & ~learned->available;

	diag_print("%s; last tried: cap_add: [%s]\n",
		   learned->interrupted ? "interrupted before the answer was proven"
					: "no answer: the check never passes",
		   learn_names(mem, learned->keep));
	if (learned->asked)
		diag_print("denied in these runs\n");
	say_caps(learned, mem, learned->asked);
	if (missing)
		diag_print("this container does not have %s: grant them, and learn again\n", learn_names(mem, missing));
}

void answer_say(const struct learned *learned, const struct tailored *tailored, const struct run_context *context,
		struct mem *mem)
{
	if (!learned->passed) {
		say_failure(learned, mem);
		say_place(learned, mem);
		return;
	}
	diag_print("cap_add: [%s]\n", learn_names(mem, learned->keep));
	say_caps(learned, mem, learned->keep);
	if (learned->uncertain)
		diag_print(
			"uncertain: the answer may lack %s. The workload %s files, and each run saw those of the one "
			"before: learn again with --reset COMMAND, which puts them back\n",
			learned->changed ? learn_names(mem, learned->uncertain) : "something",
			learned->changed ? "changed" : "may have changed");
	const uint64_t missing = learned->asked & ~learned->available, spared = learned->asked & learned->available;
	if (spared)
		diag_print("asked, and not missed\n");
	say_caps(learned, mem, spared);
	if (missing)
		diag_print("denied, and not tried: the container does not have %s; grant it, and learn again\n",
			   learn_names(mem, missing));
	if (!learned->filtered)
		diag_print("the check passes with \"seccomp: unconfined\" alone: the filter of the config "
			   "refuses a call that it needs\n");
	diag_print("the least that the container must grant: paste one of these\n");
	(void)run_grants(context, learned->keep, true);
	if (context->options->profile)
		tailor_say(tailored, learned, context);
	say_place(learned, mem);
}

static const char *json_names(struct mem *mem, uint64_t set)
{
	const struct list names = capability_names(mem, set, false);

	return json_strings(mem, &names);
}

static const char *json_caps(const struct learned *learned, struct mem *mem, uint64_t set)
{
	const char *all = "";
	bool root;

	for (unsigned int cap = 0; cap < OBSERVE_CAPS; cap++) {
		if (!(set & CAPABILITY_BIT(cap)))
			continue;
		const struct observed_denial *denial = &learned->denial[cap];
		const char *gain = explain_gain(cap, &root), *why = "";
		if (denial->program[0])
			why = mem_format(mem, "\"call\":\"%s\",\"error\":%s,\"program\":%s,",
					 name_of_call(mem, denial->call),
					 denial->error == EPERM    ? "\"EPERM\""
					 : denial->error == EACCES ? "\"EACCES\""
								   : "null",
					 json_quoted(mem, denial->program));
		all = mem_format(mem, "%s%s{\"capability\":\"%s\",%s\"attacker\":%s,\"root\":%s}", all, *all ? "," : "",
				 capability_name(cap).text + strlen("CAP_"), why, json_quoted(mem, gain),
				 root ? "true" : "false");
	}
	return all;
}

void answer_json(const struct learned *learned, const struct tailored *tailored, const struct run_context *context,
		 struct mem *mem)
{
	const uint64_t grants = learned->passed ? run_grants(context, learned->keep, false) : 0;

	diag_print(
		"{\"passed\":%s,\"interrupted\":%s,\"cap_add\":%s,\"needed\":[%s],\"asked\":[%s],\"missing\":%s,"
		"\"uncertain\":%s,\"container\":%s,\"filtered\":%s,\"guessed\":%s,\"changed\":%s,\"kernel\":%s,\"ip_unprivileged_port_start\":%s,"
		"\"back_end\":\"%s\",\"runs\":%u,\"rounds\":%u,\"calls\":%llu,\"milliseconds\":%u%s}\n",
		learned->passed ? "true" : "false", learned->interrupted ? "true" : "false",
		json_names(mem, learned->keep), json_caps(learned, mem, learned->keep),
		json_caps(learned, mem, learned->asked), json_names(mem, learned->asked & ~learned->available),
		json_names(mem, learned->passed ? learned->uncertain : 0), json_names(mem, grants),
		learned->filtered ? "true" : "false", learned->guessed ? "true" : "false",
		learned->changed ? "true" : "false", json_quoted(mem, kernel(mem)), json_quoted(mem, port_start(mem)),
		learned->back_end, learned->runs, learned->rounds, (unsigned long long)learned->count, learned->ms,
		context->options->profile && learned->passed ? tailor_json(tailored, context, mem) : "");
}
