/*
 * What a failing system call may have failed for: a table. It only proposes, so a row too many costs one run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The capabilities that could have let CALL (a native number) succeed, which failed with ERROR, EPERM or EACCES. */
uint64_t needs_of(long call, int error);

/* Does CALL, when it succeeds, change the file system? Opening is not among these. */
bool needs_changes(long call);

/* The name of the program that the thread TID runs, from an open /proc, or "?". */
int needs_program_open(void);
void needs_program(int proc, pid_t tid, char *name, size_t size);
