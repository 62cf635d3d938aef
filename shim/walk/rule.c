#include "walk/rule.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>

#include <linux/magic.h>

#include "base/fd.h"

bool walk_is_roots_alone(uint32_t uid, mode_t mode)
{
	return uid == 0 && (mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool walk_is_roots(int fd, const struct stat *stat)
{
	struct statvfs fs = {0};

	return walk_is_roots_alone(stat->st_uid, stat->st_mode) ||
	       (stat->st_uid == 0 && fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0);
}

bool walk_is_procfs(int fd)
{
	struct statfs fs = {0};

	return fstatfs(fd, &fs) != 0 || fs.f_type == PROC_SUPER_MAGIC;
}

bool walk_follows(int directory, uint32_t uid)
{
	struct stat stat;

	return uid == 0 && fd_fstat(directory, &stat) == 0 && walk_is_roots(directory, &stat);
}

bool walk_is_of_others(int directory)
{
	struct stat stat;

	return fd_fstat(directory, &stat) != 0 || !walk_is_roots_alone(stat.st_uid, stat.st_mode);
}
