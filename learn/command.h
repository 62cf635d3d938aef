/*
 * The commands of the command line: --check, --ready, --reset.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts TEXT in a process group of its own, with the signal mask BLOCKED and its output in OUT. One with characters that
 * mean something to a shell goes through /bin/sh, another is split at blanks: an image may have no shell. -1 with errno.
 */
pid_t command_start(const char *text, uint64_t blocked, int out);
