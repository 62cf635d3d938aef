/*
 * What a failing system call may have failed for: a table. It only proposes, so a row too many costs one run.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The capabilities that could have let CALL (a native number) succeed, which failed with ERROR, EPERM or EACCES. */
uint64_t needs_of(long call, int error);

/* Does CALL, when it succeeds, change the file system? Opening is not among these. */
bool needs_changes(long call);
