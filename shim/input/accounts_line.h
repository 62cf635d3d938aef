/*
 * One line of passwd or group: what reading and editing the two files share.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USER_NAME, USER_PASSWORD, USER_UID, USER_GID, USER_GECOS, USER_HOME, USER_SHELL, USER_FIELDS };
enum { GROUP_NAME, GROUP_PASSWORD, GROUP_GID, GROUP_MEMBERS, GROUP_FIELDS };

/* Bytes inside the text that is read; not NUL-terminated. */
struct accounts_field {
	const char *at;
	size_t length;
};

struct accounts_entry {
	struct accounts_field fields[USER_FIELDS];
	uint32_t uid, gid; /* of a group only gid */
};

/* Takes the next line, without its newline, off the bytes from *AT to END. False: there is none left. */
bool accounts_next(const char **at, const char *end, struct accounts_field *text);

/*
 * Is TEXT a line of passwd (GROUP false) or group (GROUP true)? That is: the number of fields of passwd(5) or group(5),
 * strict ids, a name, no NUL byte. Comments and the + and - lines of NIS are not.
 */
[[nodiscard]] bool accounts_line(struct accounts_entry *line, struct accounts_field text, bool group);

bool accounts_same(struct accounts_field field, const char *text);
