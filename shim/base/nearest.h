/* Tables whose rows have a name: find a row by its name, or the name that a misspelt word was probably meant to be. */
#pragma once

#include <stddef.h>

/* Such a table of names alone. */
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/*
 * The row called NAME, or NULL. ROWS are structs of SIZE bytes whose first member is the name; a NULL name ends them.
 */
const void *named_row(const char *name, const void *rows, size_t size);

/* The name in NAMES that is most like WORD, or NULL if none is near. NAMES are rows as above. */
const char *nearest_name(const char *word, const void *names, size_t size);
