#include "base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/text.h"

#define STATUS_BYTES 4096U /* enough unless there are hundreds of groups */

char *status_text(struct mem *mem, const char *path)
{
	for (size_t size = STATUS_BYTES;; size *= 4) {
		char *text = mem_alloc(mem, size);
		ssize_t used = fd_read_path(path, text, size);
		if (used < 0)
			return NULL;
		if ((size_t)used < size - 1)
			return text;
	}
}

/*
 * What follows "LABEL:\t" at the beginning of a line; a process name cannot contain a newline here. NULL: no such
 * line.
 */
static const char *value(const char *text, const char *label)
{
	const char *found = strstr(text, label);

	return found ? found + strlen(label) : NULL;
}

/* Reads at most COUNT numbers up to the end of the line; returns how many there are. */
static size_t numbers(const char *at, unsigned int base, uint64_t *to, size_t count)
{
	size_t found = 0;
	const char *end;

	for (; at; at = end) {
		const uint64_t number = text_number(at, base, &end);
		if (end == at)
			break;
		if (found < count)
			to[found] = number;
		found++;
	}
	return found;
}

static bool status_ids(const char *at, uint32_t *const to[4])
{
	uint64_t ids[4];
	const bool all = numbers(at, 10, ids, 4) == 4;

	for (size_t i = 0; all && i < 4; i++)
		*to[i] = (uint32_t)ids[i];
	return all;
}

static bool status_groups(struct start *held, struct mem *mem, const char *at)
{
	size_t count = numbers(at, 10, NULL, 0);
	uint64_t *wide = mem_array(mem, count + 1, sizeof(*wide));

	held->groups = mem_array(mem, count + 1, sizeof(*held->groups));
	held->ngroups = numbers(at, 10, wide, count);
	for (size_t i = 0; i < count; i++)
		held->groups[i] = (uint32_t)wide[i];
	return at != NULL;
}

static bool one(const char *at, unsigned int base, uint64_t *to)
{
	return numbers(at, base, to, 1) == 1;
}

/* Here the kernel shows a newline as "\n", a backslash as "\\", and everything else as it is. */
static void read_name(char *to, size_t size, const char *at)
{
	size_t used = 0;

	for (; at && *at && *at != '\n' && used + 5 < size; at++)
		used += (size_t)snprintf(to + used, size - used, *at > 0x20 && *at < 0x7f ? "%c" : "\\x%02x",
					 (unsigned char)*at);
}

int status_read(struct status *status, struct mem *mem, const char *path)
{
	char bytes[STATUS_BYTES];
	const ssize_t used = fd_read_path(path, bytes, sizeof(bytes));
	const char *text = used < 0 ? NULL : used < (ssize_t)sizeof(bytes) - 1 ? bytes : status_text(mem, path);
	struct start *held = &status->held;
	uint32_t *const uids[] = {&held->uid, &held->euid, &held->suid, &status->fsuid};
	uint32_t *const gids[] = {&held->gid, &held->egid, &held->sgid, &status->fsgid};
	uint64_t no_new_privs = 0, mode = 0, filters = 0, inner[32] = {0};

	memset(status, 0, sizeof(*status));
	if (!text)
		return -1;
	read_name(status->name, sizeof(status->name), value(text, "Name:\t"));
	const char *state = value(text, "\nState:\t");
	status->state = state ? *state : '?';
	if (!status_ids(value(text, "\nUid:\t"), uids) || !status_ids(value(text, "\nGid:\t"), gids) ||
	    !status_groups(held, mem, value(text, "\nGroups:\t")) ||
	    !one(value(text, "\nCapInh:\t"), 16, &held->inheritable) ||
	    !one(value(text, "\nCapPrm:\t"), 16, &held->permitted) ||
	    !one(value(text, "\nCapEff:\t"), 16, &held->effective) ||
	    !one(value(text, "\nCapBnd:\t"), 16, &held->bounding) ||
	    !one(value(text, "\nCapAmb:\t"), 16, &held->ambient) ||
	    !one(value(text, "\nNoNewPrivs:\t"), 10, &no_new_privs) || !one(value(text, "\nSeccomp:\t"), 10, &mode))
		return fd_fail(ENODATA);
	(void)one(value(text, "\nSeccomp_filters:\t"), 10, &filters);
	status->level = numbers(value(text, "\nNSpid:\t"), 10, inner, 32);
	status->inner = status->level > 0 && status->level <= 32 ? (uint32_t)inner[status->level - 1] : 0;
	status->no_new_privs = no_new_privs != 0;
	status->filtered = mode != 0;
	status->filters = (unsigned int)filters;
	return 0;
}
