/* --inspect: what processes and the image hold, without a config, and what an attacker gains by it. */
#pragma once

#include <stdbool.h>

/*
 * Inspects this process (WHICH is NULL), the process of that number, or "all". Prints the result and returns a
 * status.
 */
int inspect(const char *which, bool json);
