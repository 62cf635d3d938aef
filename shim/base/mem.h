/* Memory of one configuration: allocated piece by piece while it is read, freed all at once. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct mem {
	struct mem_block *blocks; /* must start as NULL */
};

/*
 * All of these return memory that belongs to MEM and stays valid until mem_release(). None returns NULL: if there is
 * no memory the process ends with status 111.
 */
void *mem_alloc(struct mem *mem, size_t size) __attribute__((malloc)); /* zeroed */
void *mem_array(struct mem *mem, size_t count, size_t size);           /* zeroed; checks the product for overflow */
char *mem_copy(struct mem *mem, const char *bytes, size_t length);     /* with a NUL after them */
char *mem_text(struct mem *mem, const char *text);                     /* a copy of a string */
char *mem_format(struct mem *mem, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *mem_vformat(struct mem *mem, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
char *mem_escaped(struct mem *mem, const char *text, bool json); /* as text_escape(), and nothing is cut */
char *mem_shown(struct mem *mem, const char *text);              /* the same for a terminal */

/* Frees everything; MEM can be used again. */
void mem_release(struct mem *mem);

/* A growing list of strings. ITEMS always ends with a NULL pointer that COUNT does not include. */
struct list {
	char **items;
	size_t count;
};

void list_add(struct mem *mem, struct list *list, const char *text);                    /* stores a copy */
const char *list_join(struct mem *mem, const struct list *list, const char *separator); /* all of them, in MEM */
bool list_has(const struct list *list, const char *text);
void list_take(struct mem *mem, struct list *list, char *text); /* stores the pointer: TEXT must outlive the list */
void list_format(struct mem *mem, struct list *list, const char *format, ...) __attribute__((format(printf, 3, 4)));
