/*
 * The content of a file that is to be put in place: written, compared, kept when it cannot be replaced.
 */
#pragma once

#include <stdbool.h>

#include "steps/common/file.h"

/* Does the regular file FD (O_PATH; NAME in PARENT) hold exactly what is wanted? False where it cannot be read. */
bool content_is(const struct file_want *want, int fd, int parent, const char *name);

/*
 * Writes the wanted content into the new file OUT, with its holes, what else is to be kept of the source, and to the disk.
 * False with errno: EINTR where a signal came that ends the setup.
 */
[[nodiscard]] bool content_write(int out, const struct file_want *want);

/* Writes it over the OLD content (bytes NULL: not known) of OUT, which is there again where that fails. 0, or -1. */
[[nodiscard]] int content_replace(int out, const struct file_want *want, const struct file_want *old);
