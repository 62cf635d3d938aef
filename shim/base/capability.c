#include "base/capability.h"

#include <cap-ng.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include <sys/xattr.h>

#include <linux/capability.h>

int capability_number(const char *name)
{
	if (strncasecmp(name, "cap_", 4) == 0)
		name += 4;
	return capng_name_to_capability(name);
}

const char *capability_name(char *name, size_t size, unsigned int number)
{
	const char *known = capng_capability_to_name(number);

	if (!known || snprintf(name, size, "CAP_%s", known) < 0) {
		snprintf(name, size, "CAP_%u", number);
		return name;
	}
	for (char *c = name; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return name;
}

const char *capability_list(char *text, size_t size, uint64_t set)
{
	char name[32];
	size_t used = 0;

	snprintf(text, size, "none");
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (!(set & CAPABILITY_BIT(cap)) || used >= size)
			continue;
		int n = snprintf(text + used, size - used, "%s%s", used ? ", " : "",
				 capability_name(name, sizeof(name), cap));
		used += n > 0 ? (size_t)n : 0;
	}
	return text;
}

int capability_of_file(int fd, const char *path, struct capability_file *file)
{
	const char *name = "security.capability";
	struct vfs_ns_cap_data raw = {0};
	const ssize_t size = fd < 0 ? lgetxattr(path, name, &raw, sizeof(raw)) : fgetxattr(fd, name, &raw, sizeof(raw));

	*file = (struct capability_file){0};
	if (size < 0 && (errno == ENODATA || errno == ENOTSUP))
		return 0;
	if (size < 0 && errno != ERANGE)
		return -1;
	/* Set whatever its size and revision: execve(2) fails on an attribute that it cannot read. */
	file->present = true;
	if (size < (ssize_t)XATTR_CAPS_SZ_2)
		return 0;
	file->effective = le32toh(raw.magic_etc) & VFS_CAP_FLAGS_EFFECTIVE;
	for (int word = 0; word < VFS_CAP_U32; word++) {
		file->permitted |= (uint64_t)le32toh(raw.data[word].permitted) << (32 * word);
		file->inheritable |= (uint64_t)le32toh(raw.data[word].inheritable) << (32 * word);
	}
	return 0;
}
