#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "workload/parts.h"

/* As paths: "/root/" is "/root". */
static bool same_path(const char *one, const char *other)
{
	const char *rest = *one == '/' ? path_below(one, other) : NULL;

	return rest && !*rest;
}

/* Is HOME unset, or still root's? The container's start set that one, and the user may not be allowed to search it. */
static bool home_unset(const struct plan *plan, const struct environment *env)
{
	const char *home = environ_get(env, "HOME");
	const struct account *root = accounts_user_by_id(&plan->accounts, 0);

	if (!home || !*home)
		return true;
	if (plan->workload.uid == 0)
		return false;
	return same_path(home, "/root") || (root && same_path(home, root->home));
}

static void set_user(const struct plan *plan, struct environment *env)
{
	static const char *const names[] = {"USER", "LOGNAME"};

	if (home_unset(plan, env))
		environ_set(env, "HOME", plan->home && *plan->home ? plan->home : "/");
	for (size_t i = 0; plan->user_name && i < sizeof(names) / sizeof(*names); i++)
		if (!environ_get(env, names[i]))
			environ_set(env, names[i], plan->user_name);
}

/*
 * LISTEN_PID named capshim: with an init it must name the workload's process. If the descriptors are not kept, the
 * variables are removed as well: otherwise the workload would use whatever it opens under those numbers. LISTEN_PIDFDID
 * is the inode of that process's pidfd, which newer versions of sd_listen_fds(3) compare as well.
 */
static void pass_listen_fds(const struct plan *plan, struct environment *env)
{
	char pid[16];

	if (!environ_get(env, "LISTEN_PID") || !environ_listens(env, plan->init.on ? getppid() : getpid()))
		return;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (plan->init.on || !plan->listen_fds)
		environ_unset(env, "LISTEN_PIDFDID");
	if (plan->listen_fds) {
		environ_set(env, "LISTEN_PID", pid);
		return;
	}
	environ_unset(env, "LISTEN_PID");
	environ_unset(env, "LISTEN_FDS");
	environ_unset(env, "LISTEN_FDNAMES");
}

/*
 * LD_PRELOAD and similar variables stay: images set them for their program (allocators), and the loader obeys them as
 * always in a process that is not set-id. Programs of steps get an environment of their own.
 */
char **workload_environment(const struct plan *plan)
{
	struct environment env = plan->env; /* which nobody reads afterwards */
	static char *none[] = {NULL};

	set_user(plan, &env);
	pass_listen_fds(plan, &env);
	for (size_t i = 0; i < plan->unset.count; i++)
		environ_unset(&env, plan->unset.items[i]);
	return env.vars.items ? env.vars.items : none;
}
