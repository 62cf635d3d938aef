/*
 * The content of a file that is to be put in place: written, compared, kept when it cannot be replaced.
 */
#pragma once

#include <stdbool.h>

#include "steps/common/file.h"

enum content {
	CONTENT_OTHER,
	CONTENT_SAME,
	CONTENT_LESS, /* the beginning of what is wanted, or with zeros in it, and not all of it: maybe nothing */
};

/* What the regular file IN, open for reading, holds of what is wanted; NOW describes it. CONTENT_OTHER if it cannot be read. */
enum content content_is(const struct file_want *want, int in, const struct stat *now);

/*
 * Has an interrupted seed left NAME in PARENT, which is on GROUND, without all that the source has? Then it holds the
 * beginning of that, or nothing: a killed run writes in that order; after a power cut a file may be shorter than what was
 * written, or have zeros there. On root's ground it is read as its owner where root may not; what nobody here may read is
 * judged by its size: one that has the source's was renamed into place. 1, 0, or -1 with errno.
 */
[[nodiscard]] int content_is_cut_short(const struct file_want *want, const struct ground *ground, int parent,
				       const char *name);

/*
 * Writes the wanted content into the new file OUT, with its holes, what else is to be kept of the source, and to the disk.
 * The last byte is written last. False with errno: EINTR where a signal came that ends the setup.
 */
[[nodiscard]] bool content_write(int out, const struct file_want *want);

/*
 * Writes it over the OLD content (bytes NULL: not known) of OUT, and to the disk. The old is there again where that fails.
 * 0, or -1.
 */
[[nodiscard]] int content_replace(int out, const struct file_want *want, const struct file_want *old);
