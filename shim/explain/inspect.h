/*
 * --inspect: what processes and the image hold, without a config, and what that is worth to an attacker.
 */
#ifndef CAPSHIM_EXPLAIN_INSPECT_H
#define CAPSHIM_EXPLAIN_INSPECT_H

#include <stdbool.h>

/* Of this process (WHICH is NULL), of the process of that number, or of "all". Prints it and returns a status. */
int inspect(const char *which, bool json);

#endif
