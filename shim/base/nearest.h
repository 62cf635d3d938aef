/*
 * The known name that a word was probably meant to be, for messages.
 */
#ifndef CAPSHIM_BASE_NEAREST_H
#define CAPSHIM_BASE_NEAREST_H

#include <stddef.h>

/*
 * The name of NAMES most like WORD, or NULL where none is near. NAMES is an array of structs of SIZE bytes whose
 * first member is the name; it ends with a NULL name.
 */
const char *nearest_name(const char *word, const void *names, size_t size);

#endif
