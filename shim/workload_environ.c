#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "workload_parts.h"

/* HOME where it says nothing or is still root's: the container's start set it, and the user may not even search it. */
static bool home_unset(const struct plan *plan, const struct environment *env)
{
	const char *home = environ_get(env, "HOME");
	const struct account *root = accounts_user_by_id(&plan->accounts, 0);

	if (!home || !*home)
		return true;
	if (plan->workload.uid == 0)
		return false;
	return strcmp(home, "/root") == 0 || (root && strcmp(home, root->home) == 0);
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

/* sd_listen_fds(3) takes descriptors only where this is its own process id. */
static void move_listen_pid(struct environment *env)
{
	const char *named = environ_get(env, "LISTEN_PID");
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getppid());
	if (!named || strcmp(named, pid) != 0)
		return;
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	environ_set(env, "LISTEN_PID", pid);
}

/*
 * LD_PRELOAD and its like stay: images set them for their program (allocators), and the loader obeys them in a
 * process that is not set-id as it always does. Programs of steps get an environment of their own.
 */
char **workload_environment(const struct plan *plan, struct mem *mem)
{
	struct environment env = {.mem = mem};
	static char *none[] = {NULL};

	for (size_t i = 0; i < plan->env.vars.count; i++)
		list_add(mem, &env.vars, plan->env.vars.items[i]);
	set_user(plan, &env);
	if (plan->init.on)
		move_listen_pid(&env);
	for (size_t i = 0; i < plan->unset.count; i++)
		environ_unset(&env, plan->unset.items[i]);
	return env.vars.items ? env.vars.items : none;
}
