#include "base/path.h"

#include <string.h>

const char *path_next(struct mem *mem, const char **path)
{
	while (**path) {
		const char *at = *path;
		size_t length = strcspn(at, ":");
		*path += length + (at[length] == ':');
		if (*at == '/')
			return mem_copy(mem, at, length);
	}
	return NULL;
}

const char *path_below_until(const char *path, const char *directory, const char *ends)
{
	for (;;) {
		path += strspn(path, "/");
		directory += strspn(directory, "/");
		size_t length = strcspn(directory, "/");
		if (length == 0)
			return path;
		if (strncmp(path, directory, length) != 0 || !strchr(ends, path[length]))
			return NULL;
		path += length;
		directory += length;
	}
}

const char *path_below(const char *path, const char *directory)
{
	return path_below_until(path, directory, "/");
}

char *script_line(char *line, char **argument)
{
	if (strncmp(line, "#!", 2) != 0)
		return NULL;
	char *interpreter = line + 2 + strspn(line + 2, " \t");
	size_t length = strcspn(interpreter, " \t\n");
	if (length == 0 || interpreter + length == line + SCRIPT_LINE)
		return NULL;
	char *rest = interpreter + length + strspn(interpreter + length, " \t");
	char *end = rest + strcspn(rest, "\n");
	while (end > rest && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = interpreter[length] = '\0';
	*argument = rest;
	return interpreter;
}
