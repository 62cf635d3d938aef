/* Closing descriptors that the workload must not inherit. */
#pragma once

#include <stdint.h>

/* Closes every descriptor above 2 that is not in KEEP (a bit set of 1024; NULL: none), and proves it with a canary. */
void descriptors_close(const uint64_t *keep);
