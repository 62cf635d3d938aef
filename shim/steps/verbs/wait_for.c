#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "steps/common/file.h"
#include "steps/common/launch.h"
#include "steps/common/options.h"
#include "steps/common/resolve.h"
#include "steps/common/say.h"

#define DEFAULT_SECONDS 60
#define CONNECT_MS 2000
#define FIRST_PAUSE_MS 20
#define LAST_PAUSE_MS 1000

/* The kinds of targets, by their scheme. */
enum target_kind { TARGET_TCP, TARGET_UNIX, TARGET_PATH };

struct target {
	enum target_kind kind;
	const char *path; /* for unix and path; the host for tcp */
	unsigned short port;
};

/* host:port or [address]:port. */
static bool split_tcp(struct mem *mem, const char *text, struct target *target)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon ? (size_t)(colon - text) : 0;

	if (length == 0 || strchr(text, '/'))
		return false;
	if (text[0] == '[') {
		if (text[length - 1] != ']')
			return false;
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false; /* an IPv6 address without its brackets */
	}
	uint64_t port;
	if (length == 0 || !text_is_number(colon + 1, 10, 5, &port) || port == 0 || port > 65535)
		return false;
	target->path = mem_copy(mem, text, length);
	target->port = (unsigned short)port;
	return true;
}

/* Returns NULL, or what is wrong with TEXT. */
static const char *split_target(struct mem *mem, const char *text, struct target *target)
{
	if (strncmp(text, "tcp://", 6) == 0) {
		target->kind = TARGET_TCP;
		return split_tcp(mem, text + 6, target) ? NULL : "write it as tcp://host:port or tcp://[address]:port";
	}
	target->kind = strncmp(text, "unix://", 7) == 0 ? TARGET_UNIX : TARGET_PATH;
	target->path = target->kind == TARGET_UNIX ? text + 7 : text;
	if (target->path[0] != '/')
		return "write it as tcp://host:port, unix:///path or /path";
	if (target->kind == TARGET_UNIX && strlen(target->path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return "the path of a socket has at most 107 bytes";
	return NULL;
}

/* 0 if the connection is accepted, otherwise an errno value. */
static int try_connect(const struct sockaddr *address, socklen_t size, const struct timespec *end)
{
	int fd = fd_checked(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	struct pollfd poller = {.fd = fd, .events = POLLOUT};

	if (fd < 0)
		return errno;
	int err = connect(fd, address, size) == 0 ? 0 : errno;
	if (err == EINPROGRESS) {
		socklen_t length = sizeof(err);
		if (poll(&poller, 1, clock_left(end, CONNECT_MS)) != 1)
			err = ETIMEDOUT;
		else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &length) != 0)
			err = errno;
	}
	close(fd);
	return err;
}

static int try_tcp(const struct target *target, const struct timespec *end)
{
	struct addresses found;
	struct mem mem = {NULL}; /* of this round: there may be many */
	int err = EADDRNOTAVAIL;

	resolve_host(&mem, target->path, end, &found);
	for (size_t i = 0; i < found.count && err != 0; i++) {
		union resolve_address *at = &found.items[i];
		at->v4.sin_port = htons(target->port); /* at the same place in both */
		err = try_connect(&at->any, at->any.sa_family == AF_INET ? sizeof(at->v4) : sizeof(at->v6), end);
	}
	mem_release(&mem);
	return err;
}

/* A socket is connected to by its path, and nothing is sent. */
static int try_path(const struct target *target, bool nonempty, const struct timespec *end)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct walk_found found;
	int err = 0;

	if (walk_find(target->path, WALK_FOLLOW, &found) != 0)
		return errno;
	if (target->kind == TARGET_UNIX) {
		memcpy(address.sun_path, target->path, strlen(target->path));
		err = try_connect((const struct sockaddr *)&address, sizeof(address), end);
		/* It may be owned by root: nothing is read from it. By its descriptor: the name may mean another by now. */
		if (err == EACCES && identity_is_changed()) {
			identity_return();
			snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", found.fd);
			err = try_connect((const struct sockaddr *)&address, sizeof(address), end);
		}
	} else if (nonempty) {
		int empty = file_is_empty(&found);
		err = empty < 0 ? errno : empty ? ENODATA : 0;
	}
	walk_release(&found);
	return err;
}

/* The time that a step has. */
static unsigned int most_seconds(const struct step *step)
{
	return step->timeout ? step->timeout : DEFAULT_SECONDS;
}

/* Waits before the next try, *MS milliseconds or until END, and longer each time. */
static void wait_again(struct setup *setup, const char *name, int *ms, const struct timespec *end)
{
	(void)poll(NULL, 0, clock_left(end, *ms));
	*ms = *ms * 2 < LAST_PAUSE_MS ? *ms * 2 : LAST_PAUSE_MS;
	setup_progress(setup, name);
}

static bool wait_one(struct setup *setup, const char *text, const struct timespec *end)
{
	struct target target;
	const char *wrong = split_target(&setup->mem, text, &target);

	if (wrong)
		return setup_refused(setup, "wait for", text, "%s", wrong);
	for (int ms = FIRST_PAUSE_MS;; wait_again(setup, text, &ms, end)) {
		const int err = target.kind == TARGET_TCP ? try_tcp(&target, end)
							  : try_path(&target, setup->step->nonempty, end);
		if (err == 0)
			break;
		if (clock_left(end, 1) == 0)
			return setup_refused(setup, "wait for", text, "not there after %u s: %s",
					     most_seconds(setup->step), strerror(err));
	}
	setup->changed++;
	return true;
}

/* A program that ends with 0; each try has the time that is left. */
static bool wait_program(struct setup *setup, const struct timespec *end)
{
	struct step program = *setup->step->program;
	const char *name = program.items.items[0];
	int status = 0, left;

	for (int ms = FIRST_PAUSE_MS; (left = clock_left(end, INT_MAX)) > 0; wait_again(setup, name, &ms, end)) {
		program.timeout = (unsigned int)left / 1000 + 1;
		status = run_program(setup, &program, program.items.items);
		setup->changed += status == 0;
		if (status <= 0)
			return status == 0;
	}
	return setup_refused(setup, "wait for", name, "after %u s it still ends with status %d",
			     most_seconds(setup->step), status);
}

static void step_wait_for(struct setup *setup)
{
	const struct step *step = setup->step;
	struct timespec end = setup->begin;

	end.tv_sec += (time_t)most_seconds(step);
	if (step->program)
		(void)wait_program(setup, &end);
	for (size_t i = 0; !step->program && i < step->items.count; i++)
		(void)wait_one(setup, step->items.items[i], &end);
}

static void wait_for_check(const struct step *step, struct problems *problems, const struct node *node)
{
	if (step->program && step->nonempty)
		yaml_problem(problems, node, "\"nonempty\" is for paths, not for a program: leave it out");
	for (size_t i = 0; !step->program && i < step->items.count; i++) {
		struct target target;
		const char *wrong = split_target(&problems->mem, step->items.items[i], &target);
		if (wrong)
			yaml_problem(problems, node, "cannot wait for \"%s\": %s", step->items.items[i], wrong);
		else if (target.kind != TARGET_PATH && step->nonempty)
			yaml_problem(problems, node, "\"nonempty\" is for paths, not for \"%s\"", step->items.items[i]);
	}
}

const struct verb verb_wait_for = {
	.name = "wait_for",
	.value = VERB_TARGETS,
	OPTIONS(OPTION("timeout", SECONDS, timeout), OPTION("nonempty", BOOL, nonempty)),
	.act = step_wait_for,
	.check = wait_for_check,
};
