/*
 * The content of a file that is to be put in place: written, compared, kept when it cannot be replaced.
 */
#pragma once

#include <stdbool.h>

#include "steps/common/file.h"

enum content {
	CONTENT_OTHER,
	CONTENT_SAME,
	CONTENT_LESS, /* the beginning of what is wanted, and not all of it: maybe nothing */
};

/* What the regular file IN, open for reading, holds of what is wanted. CONTENT_OTHER if it cannot be read. */
enum content content_is(const struct file_want *want, int in);

/*
 * Writes the wanted content into the new file OUT, with its holes, what else is to be kept of the source, and to the disk.
 * The last byte is written last. False with errno: EINTR where a signal came that ends the setup.
 */
[[nodiscard]] bool content_write(int out, const struct file_want *want);

/* Writes it over the OLD content (bytes NULL: not known) of OUT, which is there again where that fails. 0, or -1. */
[[nodiscard]] int content_replace(int out, const struct file_want *want, const struct file_want *old);
