#include "workload/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "privilege/identity.h"
#include "walk/held.h"

#if defined(__x86_64__)
#define MACHINE32 EM_386
#elif defined(__aarch64__)
#define MACHINE32 EM_ARM
#else
#define MACHINE32 EM_NONE
#endif

/* What a message calls a program of another ABI of this machine, and how the filter lets it run. */
static const struct foreign_abi {
	const char *name, *way;
} abis[] = {
	[PROGRAM_ELF32] = {"a 32-bit program", "write \"seccomp: {allow: [32bit]}\""},
	[PROGRAM_X32] = {"a program for the x32 ABI", "name SCMP_ARCH_X32 in a profile, or build it for x86-64"},
};

/* 0, or the error that execve(2) would return before it reads the file. */
static int file_error(const char *path)
{
	struct stat status;

	memset(&status, 0, sizeof(status));
	if (stat(path, &status) != 0)
		return errno;
	if (!S_ISREG(status.st_mode))
		return EACCES;
	if (access(path, X_OK) == 0)
		return 0;
	/*
	 * access(2) passes over what a user other than root keeps, and execve(2) does not: CAP_DAC_OVERRIDE,
	 * CAP_DAC_READ_SEARCH. The call of Linux 5.8 itself, which a filter may deny: libc would fork instead.
	 */
	const int err = errno;
	return err == EACCES && syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : err;
}

const char *program_find(struct mem *mem, const char *name, const char *path, int *error, const char **denied)
{
	*error = ENOENT;
	*denied = name;
	if (strchr(name, '/')) {
		*error = file_error(name);
		return *error ? NULL : name;
	}
	for (const char *directory; (directory = path_next(mem, &path));) {
		const char *file = mem_format(mem, "%s/%s", directory, name);
		int found = file_error(file);
		if (found == 0)
			return file;
		if (found == EACCES && *error != EACCES) {
			*error = EACCES;
			*denied = file;
		}
	}
	return NULL;
}

/* e_machine lies behind 18 bytes in both classes. */
static enum program_kind elf_kind(const char *head)
{
	if (head[EI_CLASS] != ELFCLASS32 || head[19])
		return PROGRAM_ELF;
	if (head[18] == MACHINE32)
		return PROGRAM_ELF32;
	return MACHINE32 == EM_386 && head[18] == EM_X86_64 ? PROGRAM_X32 : PROGRAM_ELF;
}

/* Reads the kind of FD, the file at FILE->path, and returns the interpreter of a script. */
static const char *file_head(struct program_file *file, struct mem *mem, int fd)
{
	char head[SCRIPT_LINE + 1] = "", *argument;
	ssize_t length = pread(fd, head, SCRIPT_LINE, 0);

	if (length < 0)
		return NULL;
	file->kind = strncmp(head, "\xef\xbb\xbf#!", 5) == 0 ? PROGRAM_BOM : PROGRAM_UNKNOWN;
	if (length >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		file->kind = elf_kind(head);
	const char *interpreter = script_line(head, &argument);
	if (!interpreter)
		return NULL;
	file->kind = PROGRAM_SCRIPT;
	return mem_text(mem, interpreter);
}

static int open_as_root(const char *path)
{
	struct walk_found found;
	struct stat opened;

	int fd = -1;
	if (walk_find(path, WALK_FOLLOW, &found) == 0) {
		fd = walk_reopen_found(&found, O_RDONLY, &opened);
		walk_release(&found);
	}
	identity_return(); /* the walk may have changed the identity */
	return fd;
}

/* Only the name of an interpreter is ever shown of what is read. O_NONBLOCK: a FIFO must not block the start. */
static const char *read_program_file(struct program_file *file, struct mem *mem, enum program_reader reader,
				     const char *path, int error)
{
	const char *interpreter = NULL;
	struct statvfs system = {0};
	const bool root = reader == READ_AS_ROOT;

	*file = (struct program_file){.path = path, .error = error, .kind = PROGRAM_UNREADABLE};
	if (file->error != 0)
		return NULL;
	int fd = root ? open_as_root(path) : fd_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && capability_of_file(fd, path, &file->caps) == 0)
		interpreter = file_head(file, mem, fd);
	else if (!root) /* executable but not readable: the kernel still tells whether it has any, xattr(7) */
		file->caps.present = getxattr(path, "security.capability", NULL, 0) >= 0;
	/* On a nosuid mount the kernel ignores them, capabilities(7). */
	if (file->caps.present && (fd >= 0 ? fstatvfs(fd, &system) : statvfs(path, &system)) == 0 &&
	    system.f_flag & ST_NOSUID)
		memset(&file->caps, 0, sizeof(file->caps));
	fd_close(fd);
	return interpreter;
}

void program_read(struct program *program, struct mem *mem, enum program_reader reader, const char *path)
{
	path = read_program_file(&program->files[0], mem, reader, path, 0);
	for (program->count = 1; path && program->count < PROGRAM_FILES; program->count++)
		path = read_program_file(&program->files[program->count], mem, reader, path, file_error(path));
}

/*
 * All files of the chain are checked, although since Linux 5.8 only the capabilities of the last one count: before,
 * each of them could make execve(2) fail.
 */
const char *program_refused(const struct program *program, struct mem *mem, uint64_t keep, uint64_t bounding,
			    const struct filter *filter)
{
	for (size_t i = 0; i < program->count; i++) {
		const struct program_file *file = &program->files[i];
		if ((file->kind == PROGRAM_ELF32 || file->kind == PROGRAM_X32) &&
		    filter_kills_32bit(filter, file->kind == PROGRAM_X32))
			return mem_format(mem,
					  "cannot execute \"%s\": it is %s, and the seccomp filter kills those: %s",
					  file->path, abis[file->kind].name, abis[file->kind].way);
		if (!file->caps.present)
			continue;
		const char *has = capability_list(mem, file->caps.permitted | file->caps.inheritable);
		/* Even an empty attribute makes the file privileged, which clears the ambient set. */
		if (keep)
			return mem_format(
				mem,
				"cannot execute \"%s\": its file capabilities (%s) would take away what cap_add "
				"keeps, %s (remove them: setcap -r %s)",
				file->path, has, capability_list(mem, keep), file->path);
		if (file->caps.effective && file->caps.permitted & ~bounding)
			return mem_format(
				mem,
				"cannot execute \"%s\": it has file capabilities that the workload may not hold "
				"(remove them: setcap -r %s; if it needs them, start as root with cap_add: [%s])",
				file->path, file->path, has);
	}
	return NULL;
}
