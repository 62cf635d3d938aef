#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/magic.h>

#include "base/fd.h"
#include "base/text.h"
#include "steps/common/options.h"
#include "steps/common/say.h"
#include "walk/held.h"

#define ROOT "/proc/sys/"
#define KEY 256    /* bytes of a key's path */
#define VALUE 4096 /* as much as the kernel shows of a value: a page */
#define SPACE " \t\n"
#define DIGITS "0123456789"
#define PORTS 65536

/*
 * The path of the key in ITEM (KEY=VALUE), and where its value starts. As with sysctl(8) the first separator decides:
 * in net.ipv4.conf.eth0/1.forwarding '/' stands for a dot in the name, in net/ipv4/conf/eth0.1/forwarding '.' is part
 * of the name. NULL: not a key.
 */
static const char *key_path(char path[KEY], const char *item)
{
	const char *value = strchr(item, '=');
	size_t length = value ? (size_t)(value - item) : 0, at = strlen(ROOT);
	bool swap = strcspn(item, ".") < strcspn(item, "/");

	if (length == 0 || at + length >= KEY)
		return NULL;
	memcpy(path, ROOT, at);
	for (size_t i = 0; i < length; i++) {
		char c = item[i];
		if (swap && (c == '.' || c == '/'))
			c = c == '.' ? '/' : '.';
		if (c == '/' && path[at - 1] == '/')
			return NULL; /* an empty part */
		path[at++] = c;
	}
	path[at] = '\0';
	if (path[at - 1] == '/' || strstr(path, "/./") || strstr(path, "/../"))
		return NULL;
	const char *last = strrchr(path, '/');
	return strcmp(last, "/.") == 0 || strcmp(last, "/..") == 0 ? NULL : value + 1;
}

/* For "at least" (">=N"): the digits of N, of any length; otherwise NULL. */
static const char *least_of(const char *value)
{
	if (strncmp(value, ">=", 2) != 0)
		return NULL;
	value += 2 + strspn(value + 2, SPACE);
	size_t digits = strspn(value, DIGITS);
	return digits > 0 && !value[digits] ? value : NULL;
}

/* Is the number at A less than the one at B? Both may have more digits than any type holds. */
static bool is_less(const char *a, const char *b)
{
	a += strspn(a, "0");
	b += strspn(b, "0");
	size_t length = strspn(a, DIGITS), other = strspn(b, DIGITS);
	return length != other ? length < other : memcmp(a, b, length) < 0;
}

/* Is the word of LENGTH at TEXT a number as the kernel reads them, including 0x4000 and 010? */
static bool is_number(const char *text, size_t length, uint64_t *number)
{
	const char *end;

	if (length == 0 || !memchr(DIGITS, text[*text == '-' && length > 1], sizeof(DIGITS) - 1))
		return false;
	*number = text_number(text, 0, &end);
	return end == text + length;
}

/*
 * Does NOW, which the kernel shows, equal VALUE? The kernel separates numbers by tabs, users by blanks; it shows them
 * in decimal; and a list shorter than the kernel's leaves the other numbers as they are.
 */
static bool same_words(const char *now, const char *value)
{
	bool numbers = true;

	for (;;) {
		uint64_t a = 0, b = 0;
		now += strspn(now, SPACE);
		value += strspn(value, SPACE);
		size_t length = strcspn(now, SPACE), wanted = strcspn(value, SPACE);
		numbers &= is_number(now, length, &a) && (wanted == 0 || is_number(value, wanted, &b));
		if (wanted == 0 && (length == 0 || numbers))
			return true;
		if (!(numbers && a == b) && (length != wanted || memcmp(now, value, length) != 0))
			return false;
		now += length;
		value += wanted;
	}
}

/* Reads a list such as "80,8000-8010" into a bitmap. False: it is none. */
static bool read_ports(const char *text, uint8_t ports[PORTS / 8])
{
	memset(ports, 0, PORTS / 8);
	while (*(text += strspn(text, "," SPACE))) {
		const char *end;
		uint64_t first = text_number(text, 10, &end);
		const uint64_t last = *end == '-' ? text_number(end + 1, 10, &end) : first;
		if (end == text || last < first || last >= PORTS)
			return false;
		for (; first <= last; first++)
			ports[first / 8] |= (uint8_t)(1U << first % 8);
		text = end;
	}
	return true;
}

/* Do both lists have the same ports? The kernel sorts them, and shows neighbours as ranges. */
static bool same_ports(const char *now, const char *value)
{
	uint8_t a[PORTS / 8], b[PORTS / 8];

	return read_ports(now, a) && read_ports(value, b) && memcmp(a, b, sizeof(a)) == 0;
}

/* Does the present value (NOW) of the file NAME fulfil VALUE? */
static bool is_right(const char *name, const char *now, const char *value)
{
	const char *least = least_of(value);
	size_t digits = strspn(now, DIGITS);

	if (!least)
		return same_words(now, value) ||
		       (strcmp(name, "ip_local_reserved_ports") == 0 && same_ports(now, value));
	return digits > 0 && now[digits + strspn(now + digits, SPACE)] == '\0' && !is_less(now, least);
}

static bool read_now(const struct walk_found *found, char now[VALUE])
{
	int fd = walk_reopen(found->fd, found->parent, found->name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, now, VALUE - 1);

	fd_close(fd);
	now[length < 0 ? 0 : length] = '\0';
	return length >= 0;
}

/* An errno value, or 0. */
static int write_value(const struct walk_found *found, const char *value)
{
	int fd = walk_reopen(found->fd, found->parent, found->name, O_WRONLY);
	/* One write: the kernel takes each as a whole value. */
	ssize_t wrote = fd < 0 ? -1 : write(fd, value, strlen(value));

	fd_close(fd);
	if (wrote < 0)
		return errno;
	return (size_t)wrote == strlen(value) ? 0 : EIO;
}

static bool set(struct setup *setup, const char *key, const struct walk_found *found, const char *value)
{
	char now[VALUE];
	bool readable = read_now(found, now);
	const char *plain = least_of(value) ? least_of(value) : value;

	if (readable && is_right(found->name, now, value)) {
		setup->same++;
		return true;
	}
	int err = write_value(found, plain);
	if (err == EROFS)
		return setup_failed_for(setup, "set", key, err,
					"Read-only file system: have the container given it, by docker run --sysctl or "
					"securityContext.sysctls");
	if (err)
		return setup_failed(setup, "set", key, err,
				    strncmp(key, "net", 3) == 0 ? CAP_NET_ADMIN : CAP_SYS_ADMIN);
	if (readable && read_now(found, now) && !is_right(found->name, now, value))
		return setup_refused(setup, "set", key, "the kernel made it something else than \"%s\"", plain);
	setup->changed++;
	return true;
}

static bool step_sysctl(struct setup *setup, const char *item)
{
	char path[KEY];
	struct walk_found found;
	struct statfs fs;
	const char *value = key_path(path, item);
	const char *key = mem_copy(&setup->mem, item, strcspn(item, "="));

	if (!value)
		return setup_refused(setup, "set", key, "it is no key");
	if (walk_find(path, 0, &found) != 0)
		return setup_unreachable(setup, "set", key, errno, &found.where);
	bool done = fstatfs(found.fd, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC
			    ? setup_refused(setup, "set", key, "/proc is not a procfs")
			    : set(setup, key, &found, value);
	walk_release(&found);
	return done;
}

static void sysctl_check(const struct step *step, struct problems *problems, const struct node *node)
{
	char path[KEY];

	for (size_t i = 0; i < step->items.count; i++) {
		const char *item = step->items.items[i];
		const char *value = key_path(path, item);
		if (!value)
			yaml_problem(problems, node, "\"%.*s\" is no sysctl: write it as net.core.somaxconn",
				     (int)strcspn(item, "="), item);
		else if (!*value)
			yaml_problem(problems, node, "\"%.*s\" has no value", (int)strcspn(item, "="), item);
		else if (strncmp(value, ">=", 2) == 0 && !least_of(value))
			yaml_problem(problems, node, "\"%s\": what follows >= must be a whole number", value);
	}
}

const struct verb verb_sysctl = {
	.name = "sysctl",
	.value = VERB_MAP,
	OPTIONS({0}),
	.act_on = step_sysctl,
	.check = sysctl_check,
};
