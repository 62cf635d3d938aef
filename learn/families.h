/*
 * System calls by what they do: which of them stand for each other.
 */
#pragma once

#include <stdbool.h>

/*
 * Do A and B do the same for a program, so that another C library, another version of it or another processor makes the
 * one where the other was seen? open and openat do, and so do clock_gettime and clock_gettime64.
 */
bool families_same(const char *a, const char *b);

/* May every process make NAME, whatever it does: to start, to allocate memory, to lock, to handle signals, to end? */
bool families_always(const char *name);

/* Is the call NAME in LIST, names with a blank between them? A suffix such as that of fstat64 or chown32 is not in LIST. */
bool families_lists(const char *list, const char *name);
