#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "explain/parts.h"

#define COLUMNS 80

int terminal_begin(void)
{
	int file = isatty(STDOUT_FILENO) ? memfd_create("explain", MFD_CLOEXEC) : -1;
	int terminal = file < 0 ? -1 : dup(STDOUT_FILENO);

	if (terminal >= 0 && dup2(file, STDOUT_FILENO) < 0)
		terminal = -1;
	fd_close(file);
	return terminal;
}

/* Where the text goes on in the next line: below its last column that is set off by two blanks, or two further in. */
static size_t indent_of(const char *line, size_t length)
{
	size_t begin = strspn(line, " "), indent = begin + 2;

	for (size_t i = begin + 2; i < length && i < COLUMNS / 2; i++)
		if (line[i] != ' ' && line[i - 1] == ' ' && line[i - 2] == ' ')
			indent = i;
	return indent < COLUMNS / 2 ? indent : 2;
}

static void say_wrapped(const char *line, size_t length)
{
	const size_t indent = indent_of(line, length);
	size_t room = COLUMNS;

	while (length > room) {
		size_t cut = room;
		while (cut > 0 && line[cut] != ' ')
			cut--;
		if (line[strspn(line, " ")] && cut <= strspn(line, " "))
			cut = room + strcspn(line + room, " \n"); /* one long word */
		if (cut >= length)
			break;
		diag_print("%.*s\n%*s", (int)cut, line, (int)indent, "");
		line += cut + 1;
		length -= cut + 1;
		room = COLUMNS - indent;
	}
	diag_print("%.*s\n", (int)length, line);
}

void terminal_end(struct mem *mem, int terminal)
{
	struct stat stat = {0};
	bool wrap = false;

	if (terminal < 0 || fstat(STDOUT_FILENO, &stat) != 0)
		return;
	char *text = mem_alloc(mem, (size_t)stat.st_size + 1);
	ssize_t length = pread(STDOUT_FILENO, text, (size_t)stat.st_size, 0);
	if (dup2(terminal, STDOUT_FILENO) < 0 || length < 0)
		return;
	text[length] = '\0';
	for (char *end; (end = strchr(text, '\n')); text = end + 1) {
		wrap |= strncmp(text, "the workload\n", 13) == 0;
		if (wrap)
			say_wrapped(text, (size_t)(end - text));
		else
			diag_print("%.*s\n", (int)(end - text), text);
	}
}
