#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/text.h"
#include "config/parts.h"
#include "workload/workload.h"

static bool limit_value(struct plan *plan, const struct node *node, uint64_t *to)
{
	const char *text = value_text(plan, node);

	if (!text)
		return false;
	*to = PLAN_UNLIMITED;
	if (strcmp(text, "unlimited") == 0 || text_is_number(text, 10, 19, to))
		return true;
	return value_problem(plan, node, "\"%s\" must be a whole number or unlimited", text);
}

/* One value for both limits, or {soft, hard}. */
static void read_limit(struct plan *plan, const struct node *node, struct plan_limit *limit)
{
	const struct node *soft = yaml_get(node, "soft"), *hard = yaml_get(node, "hard");

	if (node->kind == NODE_MAP) {
		(void)value_keys(plan, node, NAMES("soft", "hard"));
		if (node->count == 0)
			value_problem(plan, node, "write soft, hard, or both, such as {soft: 1024}");
		limit->soft_set = soft && limit_value(plan, soft, &limit->soft);
		limit->hard_set = hard && limit_value(plan, hard, &limit->hard);
	} else {
		limit->soft_set = limit->hard_set = limit_value(plan, node, &limit->soft);
		limit->hard = limit->soft;
	}
	if (limit->soft_set && limit->hard_set && limit->soft > limit->hard)
		value_problem(plan, node, "the soft limit must not be above the hard one");
}

void config_ulimits(struct plan *plan, const struct node *map, void *)
{
	if (!value_is_map(plan, map, " such as {nofile: 65536}"))
		return;
	for (const struct node *node = map->first; node; node = node->next) {
		const char *const *row = value_row(plan, node->key, "limit", workload_limits, sizeof(*workload_limits));
		if (row)
			read_limit(plan, node, &plan->limits[row - workload_limits]);
	}
}

/* Users who set a variable to a mask write 22 or 2; only configs pass through tools that turn 0022 into 18. */
static void read_mask(struct plan *plan, const struct node *node, void *to)
{
	const char *text = NULL;
	uint64_t mask;

	if (node->kind == NODE_SCALAR && environ_has_reference(node->text)) {
		text = value_text(plan, node);
		if (!text)
			return;
	}
	if (text && text_is_number(text, 8, 4, &mask))
		*(mode_t *)to = (mode_t)mask;
	else
		(void)value_octal(plan, node, "0022", to);
}

void config_umask(struct plan *plan, const struct node *node, void *)
{
	static const struct key keys[] = {{"from", read_mask, offsetof(struct plan_umask, from)},
					  {"to", read_mask, offsetof(struct plan_umask, to)},
					  {NULL, NULL, 0}};

	const char *text = node->kind == NODE_SCALAR ? value_text(plan, node) : "";
	if (!text || strcmp(text, "inherit") == 0)
		return;
	plan->umask.set = true;
	if (node->kind == NODE_SCALAR) {
		read_mask(plan, node, &plan->umask.to);
	} else {
		plan->umask.conditional = true;
		if (value_map(plan, node, keys, &plan->umask) && (!yaml_get(node, "from") || !yaml_get(node, "to")))
			value_problem(plan, node, "needs both, such as {from: \"0022\", to: \"0077\"}");
	}
	if ((plan->umask.from | plan->umask.to) & ~(mode_t)0777)
		value_problem(plan, node, "a umask has no bits above 0777: write three digits behind the 0");
}

void config_oom_score_adj(struct plan *plan, const struct node *node, void *)
{
	long long value = 0;

	plan->oom_score_adj_set = value_number(plan, node, -1000, 1000, &value);
	plan->oom_score_adj = (int)value;
}

void config_own_stdio(struct plan *plan, const struct node *node, void *)
{
	plan->own_stdio = value_word(plan, node, NAMES("auto", "true", "false"));
	if (plan->command != COMMAND_RUN) /* no process is left that could open them again */
		plan->own_stdio = STDIO_FALSE;
}

static void keep_fd(struct plan *plan, long long fd)
{
	plan->keep_fds[fd / 64] |= UINT64_C(1) << (fd % 64);
}

/*
 * sd_listen_fds(3): the descriptors from 3 on, as many as LISTEN_FDS says, if LISTEN_PID is this process. Only if the
 * config asks for it: otherwise a variable alone could keep descriptors that a runtime leaked.
 */
static void keep_listen_fds(struct plan *plan)
{
	const char *count = environ_get(&plan->env, "LISTEN_FDS");
	uint64_t number;

	if (!count || !text_is_number(count, 10, 3, &number) || !environ_listens(&plan->env, getpid()))
		return;
	plan->listen_fds = true;
	for (long long fd = 3; fd < 3 + (long long)number && fd < 1024; fd++)
		keep_fd(plan, fd);
}

void config_keep_fd(struct plan *plan, const struct node *node, void *)
{
	long long fd;

	if (node->kind == NODE_SCALAR && strcmp(node->text, "listen_fds") == 0)
		keep_listen_fds(plan);
	else if (value_number(plan, node, 3, 1023, &fd))
		keep_fd(plan, fd);
}

void config_report(struct plan *plan, const struct node *node, void *)
{
	plan->report = value_word(plan, node, NAMES("none", "text", "json"));
	if (plan->report == REPORT_JSON && plan->mode == PLAN_RUN)
		diag_as_json();
}
