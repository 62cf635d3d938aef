/* A directory that is filled once: `only_if_empty`. */
#pragma once

#include "steps/common/mirror.h"

/*
 * The lock of a seed, on the file that lies in TO until it is complete: *MARKER is -1 where nothing is to be done. The file
 * holds something once it has been seen, under the lock, that the directory was empty; that is on the disk before anything
 * else, so that a power cut leaves no seed that seems complete. Waits for another run that seeds; what one has left that acted as
 * another user is reported, and *MARKER is -1. 0, or -1 with errno.
 */
[[nodiscard]] int seed_begin(struct setup *setup, struct mirror_level *to, int *marker);

/* The directory TO is complete: removes the MARKER, whose descriptor stays the caller's. */
void seed_end(struct setup *setup, const struct mirror_level *to, int marker);
