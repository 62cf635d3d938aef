#include "base/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/text.h"

/*
 * One block for each piece: the sanitizers then detect every overrun, and there are only a few hundred pieces.
 * Aligned for numbers and pointers, which is all that is stored here; alignment for a long double would cost 8 bytes
 * more each.
 */
struct mem_block {
	struct mem_block *next;
	uint64_t bytes[];
};

void *mem_alloc(struct mem *mem, size_t size)
{
	struct mem_block *block = NULL;

	if (size < SIZE_MAX - sizeof(*block))
		block = calloc(1, sizeof(*block) + size);
	if (!block)
		diag_die(DIAG_SYSTEM, "cannot get memory for the configuration");
	block->next = mem->blocks;
	mem->blocks = block;
	return block->bytes;
}

void *mem_array(struct mem *mem, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		diag_die(DIAG_SYSTEM, "cannot get memory for the configuration");
	return mem_alloc(mem, count * size);
}

char *mem_copy(struct mem *mem, const char *bytes, size_t length)
{
	char *copy = mem_alloc(mem, length + 1);

	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

char *mem_text(struct mem *mem, const char *text)
{
	return mem_copy(mem, text, strlen(text));
}

char *mem_vformat(struct mem *mem, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int length = vsnprintf(NULL, 0, format, args);
	if (length < 0)
		diag_die(DIAG_SYSTEM, "cannot format a message");
	char *text = mem_alloc(mem, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

char *mem_format(struct mem *mem, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = mem_vformat(mem, format, args);
	va_end(args);
	return text;
}

char *mem_escaped(struct mem *mem, const char *text, bool json)
{
	size_t size = strlen(text) * TEXT_LONGEST + TEXT_LONGEST + 1;
	char *out = mem_alloc(mem, size);

	(void)text_escape(out, size, text, json);
	return out;
}

char *mem_shown(struct mem *mem, const char *text)
{
	return mem_escaped(mem, text, false);
}

/* The newest first: the only order in which heap.c can free pieces. */
void mem_release(struct mem *mem)
{
	while (mem->blocks) {
		struct mem_block *next = mem->blocks->next;
		free(mem->blocks);
		mem->blocks = next;
	}
}

void list_take(struct mem *mem, struct list *list, char *text)
{
	/* The room doubles whenever the count (with its NULL) reaches a power of two. */
	size_t used = list->count + 1;

	if (!list->items || (used & (used - 1)) == 0) {
		char **grown = mem_array(mem, used * 2, sizeof(*grown));
		if (list->count)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
	}
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void list_format(struct mem *mem, struct list *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	list_take(mem, list, mem_vformat(mem, format, args));
	va_end(args);
}

void list_add(struct mem *mem, struct list *list, const char *text)
{
	list_take(mem, list, mem_text(mem, text));
}

bool list_has(const struct list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

const char *list_join(struct mem *mem, const struct list *list, const char *separator)
{
	const char *text = "";

	for (size_t i = 0; i < list->count; i++)
		text = mem_format(mem, "%s%s%s", text, i ? separator : "", list->items[i]);
	return text;
}
