/*
 * Closing what must not be inherited.
 */
#ifndef CAPSHIM_BASE_DESCRIPTORS_H
#define CAPSHIM_BASE_DESCRIPTORS_H

#include <stdint.h>

/* Closes every descriptor above 2 that KEEP (bit set of 1024, NULL: none) does not hold, and proves it by a canary. */
void descriptors_close(const uint64_t *keep);

#endif
