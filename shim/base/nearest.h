/*
 * Tables whose rows have a name: the row of a name, and the name that a word was probably meant to be.
 */
#ifndef CAPSHIM_BASE_NEAREST_H
#define CAPSHIM_BASE_NEAREST_H

#include <stddef.h>

/* The row called NAME, or NULL. ROWS are structs of SIZE bytes whose first member is the name; they end with a NULL name. */
const void *named_row(const char *name, const void *rows, size_t size);

/*
 * The name of NAMES most like WORD, or NULL where none is near. NAMES are rows as above.
 */
const char *nearest_name(const char *word, const void *names, size_t size);

#endif
