/* The time left until a deadline. */
#pragma once

#include <time.h>

/* Milliseconds until END (CLOCK_MONOTONIC), at most MOST, at least 0: also where the clock cannot be read. */
int clock_left(const struct timespec *end, int most);
