#include "base/capability.h"

#include <cap-ng.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#include <linux/capability.h>

int capability_number(const char *name)
{
	if (strncasecmp(name, "cap_", 4) == 0)
		name += 4;
	return capng_name_to_capability(name);
}

struct capability_text capability_name(unsigned int number)
{
	const char *known = capng_capability_to_name(number);
	struct capability_text name;

	if (!known || snprintf(name.text, sizeof(name.text), "CAP_%s", known) < 0)
		snprintf(name.text, sizeof(name.text), "CAP_%u", number);
	for (char *c = name.text; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	return name;
}

struct list capability_names(struct mem *mem, uint64_t set, bool prefix)
{
	struct list names = {0};

	for (unsigned int cap = 0; cap < 64; cap++)
		if (set & CAPABILITY_BIT(cap))
			list_add(mem, &names, capability_name(cap).text + (prefix ? 0 : strlen("CAP_")));
	return names;
}

const char *capability_list(struct mem *mem, uint64_t set)
{
	const struct list names = capability_names(mem, set, true);

	return set ? list_join(mem, &names, ", ") : "none";
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
