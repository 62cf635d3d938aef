#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/fd.h"
#include "base/path.h"
#include "steps/common/launch.h"
#include "steps/common/say.h"
#include "walk/trust.h"
#include "walk/walk.h"

int run_is_program(const char *path)
{
	struct stat stat;
	int fd = walk_open(path, WALK_FOLLOW, NULL);

	if (fd < 0)
		return -1;
	bool good = fd_fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_mode & 0111;
	close(fd);
	return good;
}

/* The path of the program NAME. NULL: it was reported. */
static const char *find_program(struct setup *setup, const char *name, const struct list *environment)
{
	const char *path = "";

	if (name[0] == '/')
		return name;
	if (strchr(name, '/')) {
		setup_refused(setup, "run", name, "write an absolute path, or a name to be found in PATH");
		return NULL;
	}
	for (size_t i = 0; i < environment->count; i++)
		if (strncmp(environment->items[i], "PATH=", 5) == 0)
			path = environment->items[i] + 5;
	for (const char *rest = path, *directory; *name && (directory = path_next(&setup->mem, &rest));) {
		const char *candidate = mem_format(&setup->mem, "%s/%s", directory, name);
		const int is = run_is_program(candidate);
		/* If it cannot be examined, trust_open() will say why. */
		if (is > 0 || (is < 0 && errno != ENOENT && errno != ENOTDIR))
			return candidate;
	}
	setup_refused(setup, "run", name, "it is not in PATH (%s)", path);
	return NULL;
}

/* Opens PATH by the trust rule, and reads its beginning into LINE, which holds SCRIPT_LINE bytes and a NUL. */
static int open_image(struct setup *setup, const char *path, const char *name, char *line)
{
	const char *why = NULL;
	struct stat stat;
	int fd = trust_open(&setup->mem, path, &stat, &why);

	if (fd < 0) {
		setup_refused(setup, "run", name, "%s", why);
		return -1;
	}
	ssize_t length = pread(fd, line, SCRIPT_LINE, 0);
	if (length >= 0 && stat.st_mode & 0111) {
		line[length] = '\0';
		return fd;
	}
	setup_failed(setup, "run", path, length < 0 ? errno : EACCES, DIAG_NO_CAP);
	close(fd);
	return -1;
}

static bool is_script(const char *line)
{
	return line[0] == '#' && line[1] == '!';
}

/*
 * Opens the interpreter of the script PATH, which begins with LINE, and adds the words to WORDS that execve(2) puts in front
 * of the script's arguments. -1: it was reported.
 */
static int open_interpreter(struct setup *setup, const char *path, char *line, struct list *words)
{
	char *interpreter, *argument, again[SCRIPT_LINE + 1];

	/* Without a newline the first line may be cut off. */
	interpreter = strchr(line, '\n') ? script_line(line, &argument) : NULL;
	if (!interpreter || *interpreter != '/') {
		setup_refused(setup, "run", path, "its #! line does not name an interpreter by an absolute path");
		return -1;
	}
	int fd = open_image(setup, interpreter, interpreter, again);
	if (fd >= 0 && is_script(again)) {
		setup_refused(setup, "run", path, "its interpreter \"%s\" is a script itself", interpreter);
		close(fd);
		return -1;
	}
	list_add(&setup->mem, words, interpreter);
	if (*argument)
		list_add(&setup->mem, words, argument);
	list_add(&setup->mem, words, path);
	return fd;
}

bool run_open(struct setup *setup, struct run_image *image, char *const *argv, const struct list *environment)
{
	char line[SCRIPT_LINE + 1];
	struct list words = {NULL, 0};
	const char *path = find_program(setup, argv[0], environment);

	image->fd = path ? open_image(setup, path, argv[0], line) : -1;
	if (image->fd >= 0 && is_script(line)) {
		close(image->fd);
		image->fd = open_interpreter(setup, path, line, &words);
		argv++;
	}
	for (; *argv; argv++)
		list_add(&setup->mem, &words, *argv);
	image->argv = words.items;
	return image->fd >= 0;
}
