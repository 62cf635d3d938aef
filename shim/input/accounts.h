/*
 * The passwd and group files: read, bounded, without NSS; and strict numeric ids.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"

#define ACCOUNTS_NO_ID UINT32_MAX     /* (uid_t)-1: means "no change" to the kernel, and is never an id */
#define ACCOUNTS_SOMEBODY 0xfffefffeU /* stands for an id that only the start knows: one that nobody writes */

/* A user of passwd(5), or a group of group(5). */
struct account {
	struct account *next;
	const char *name;
	uint32_t gid;
	uint32_t uid; /* of a user, as are its home and its shell */
	const char *home, *shell;
	struct list members; /* of a group */
};

struct accounts {
	struct mem *mem;
	struct account *users, *groups; /* in the order of the file: the first match counts, as in the C library */
	bool groups_read;               /* GROUPS are complete; set by the plan */
	const char *refused;            /* why USERS are missing: passwd may not be believed. NULL: they are complete */
	bool refusal_said;              /* a problem says so */
	bool root_asked;                /* accounts_root_has() will be asked: set by the plan */
	/* What engines may read in the files, see accounts_note_root(). */
	const struct accounts_root *root_names, *root_groups;
	size_t nroot_names;
};

/*
 * Is TEXT an id: [0-9]{1,10}, nothing else, base 10, at most 4294967294 (neither -1 nor an overflow)? A leading zero
 * is refused too, because it looks octal, except in "0" itself.
 */
[[nodiscard]] bool accounts_id(const char *text, uint32_t *id);

#define ACCOUNTS_BYTES ((size_t)1024 * 1024) /* of one file; a larger one is refused */

/*
 * Parses the bytes of passwd (GROUP false) or group (GROUP true) into ACCOUNTS. Lines that are not accounts are skipped,
 * and a line whose id is not strict never matches. At most 64 KiB for a line, otherwise a problem is added. The accounts
 * point into BYTES, which a NUL must follow, and which are changed: fields end with a NUL afterwards.
 */
void accounts_parse(struct accounts *accounts, struct problems *problems, const char *file, char *bytes, size_t length,
		    bool group);

/*
 * Which groups may engines have given to a start as uid 0, because of passwd and group? They read these files more leniently
 * than the C library: they cut blanks off, need no more fields than they use, take signs and leading zeros in an id and 0
 * for what is not a number (Docker, Podman, containerd and CRI-O: github.com/moby/sys/user). And uid 0 has the groups of
 * the first name with that id, whatever the name. Here each such name counts, and "root", and the group of each.
 *
 * With root_asked accounts_parse() calls accounts_note_root() for each LINE, which it only cuts afterwards: passwd before
 * group.
 */
void accounts_note_root(struct accounts *accounts, const char *line, size_t length, bool group);
[[nodiscard]] bool accounts_root_has(const struct accounts *accounts, uint32_t gid);

/* The first account of the list FROM that has NAME; the first user that has UID. NULL: there is none. */
const struct account *accounts_named(const struct account *from, const char *name);
const struct account *accounts_user_by_id(const struct accounts *accounts, uint32_t uid);

/* Group ids while they are collected: ascending, without duplicates. */
struct gids {
	uint32_t *ids; /* room for ROOM of them */
	size_t count, room;
	bool full; /* there was no room for one */
};

void gids_add(struct gids *to, uint32_t gid);

/* Is GID one of the COUNT GROUPS? */
bool gids_have(const uint32_t *groups, size_t count, uint32_t gid);

/* Adds the gids of all groups that have NAME as a member, but never 0. */
void gids_add_of(struct gids *to, const struct accounts *accounts, const char *name);

/* An entry that passwd and group must have. */
struct account_wish {
	const char *name;
	const char *home, *shell; /* NULL: keep the old ones; "/" and "/sbin/nologin" in a new line */
	uint32_t uid, gid;
	unsigned int chosen; /* line of the config by which a variable chooses the gid, or 0 */
};

/*
 * Puts WISH into ACCOUNTS as accounts_edit() will put it into the files, so that names resolve while the plan is
 * made. Returns NULL, or why it is not possible: the uid or gid belongs to root or is 0, a field contains ':' or a
 * newline. The texts of WISH must stay valid as long as ACCOUNTS.
 */
[[nodiscard]] const char *accounts_apply(struct accounts *accounts, const struct account_wish *wish);

/*
 * The text of a passwd (GROUP false) or group (GROUP true) file that fulfils WISH, made from TEXT: the line of that
 * name is added or renumbered, every other line stays byte for byte. In MEM; *CHANGED says whether it differs from
 * TEXT.
 */
[[nodiscard]] const char *accounts_edit(struct mem *mem, const char *text, const struct account_wish *wish, bool group,
					bool *changed);
