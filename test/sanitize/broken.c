/* What the sanitizers and valgrind must find, or their silence means nothing: broken KIND. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "none";
	char *block = malloc(8);

	if (!block)
		return 1;
	if (strcmp(kind, "overrun") == 0)
		return block[argc + 6];
	if (strcmp(kind, "overflow") == 0)
		return INT_MAX - 1 + argc;
	/* Before an execve(2), which no tool's exit status survives. */
	if (strcmp(kind, "uninitialised") == 0 && block[argc] == 1)
		puts("a surprise");
	free(block);
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}
