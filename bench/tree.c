/*
 * Grows a tree of files for the steps that walk one:
 *
 *	tree DIRECTORY FROM TO OWNER BYTES
 *
 * Files FROM to TO (not included) of so many BYTES, 200 in a directory and 32 of those in another; all belong to OWNER, the
 * directories too. A tree that has FROM files already is grown.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IN_DIRECTORY 200
#define DIRECTORIES 32
#define BYTES_MAX 4096

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void directory(const char *name, uid_t owner)
{
	if ((mkdir(name, 0755) != 0 && errno != EEXIST) || chown(name, owner, owner) != 0)
		die(name);
}

static void file(const char *name, uid_t owner, size_t bytes)
{
	char content[BYTES_MAX];
	const int fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);

	memset(content, 'x', sizeof(content));
	if (fd < 0 || write(fd, content, bytes) != (ssize_t)bytes || fchown(fd, owner, owner) != 0 || close(fd) != 0)
		die(name);
}

int main(int argc, char **argv)
{
	char name[80];

	if (argc != 6)
		return 1;
	const long from = strtol(argv[2], NULL, 10), to = strtol(argv[3], NULL, 10);
	const uid_t owner = (uid_t)strtoul(argv[4], NULL, 10);
	const size_t bytes = strtoul(argv[5], NULL, 10);

	directory(argv[1], owner);
	if (chdir(argv[1]) != 0)
		die(argv[1]);
	for (long i = from; i < to; i++) {
		const long inner = i / IN_DIRECTORY, outer = inner / DIRECTORIES;
		if (i == from || i % IN_DIRECTORY == 0) {
			snprintf(name, sizeof(name), "%ld", outer);
			directory(name, owner);
			snprintf(name, sizeof(name), "%ld/%ld", outer, inner);
			directory(name, owner);
		}
		snprintf(name, sizeof(name), "%ld/%ld/file-%ld.data", outer, inner, i);
		file(name, owner, bytes < BYTES_MAX ? bytes : BYTES_MAX);
	}
	return 0;
}
