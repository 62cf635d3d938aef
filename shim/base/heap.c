/*
 * The heap of the static binary; builds with another C library use that library's, for the sanitizers. capshim runs
 * for a millisecond and then becomes another program, so of the small pieces only the newest can be freed, and the
 * smallest: mem_release() in mem.c frees in that order, and a piece freed in another order stays allocated. A large piece
 * has a mapping of its own, which is unmapped when it is freed. Compared with musl's heap it saves 15 system calls at every
 * start, their page faults, and 6 KB. It also detects an mmap(2) that reports success with address 0, to which musl would
 * write.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/heap.h"

#define ALIGNMENT 16U                    /* of max_align_t */
#define FIRST_BYTES (256U * 1024)        /* BSS: pages are mapped only when used. Enough for a 20-line config */
#define MORE_BYTES ((size_t)1024 * 1024) /* taken from the kernel at a time */
#define SPARE_BYTES (2 * ALIGNMENT - sizeof(struct piece))
#define LARGE_BYTES (MORE_BYTES / 8) /* a piece of this size and more has a mapping of its own */

/* In front of every piece, so that the piece itself is aligned. */
struct piece {
	size_t size; /* LARGE_BYTES and more: up to the end of its mapping */
};

#define GAP (ALIGNMENT - sizeof(struct piece)) /* from an aligned address to the header of the first piece */

/*
 * Common, because the linker puts such variables last: the few other variables then share their page with the
 * beginning of this one, and only as much of the rest is touched as is needed. Touching a page costs 2 us.
 */
__attribute__((common)) alignas(ALIGNMENT) unsigned char heap_first[FIRST_BYTES];
/* Zero before the first piece: variables with values may lie on a page that a start would touch for these only. */
static unsigned char *next, *end;
static void *spare; /* a list of freed pieces of SPARE_BYTES: libyaml has four for each value, a page in a config */

/* The size with its header, as a multiple of the alignment. */
static size_t rounded(size_t size)
{
	return ((size + sizeof(struct piece) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) - sizeof(struct piece);
}

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

/* Memory from the kernel, zeroed; NULL: there is none. */
static void *map(size_t bytes)
{
	void *more = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (more != MAP_FAILED && more)
		return more;
	return no_memory();
}

static int take_more(void)
{
	unsigned char *more = end ? map(MORE_BYTES) : heap_first;

	if (!more)
		return -1;
	next = more + GAP;
	end = more + (end ? MORE_BYTES : FIRST_BYTES);
	return 0;
}

static unsigned char *mapping_of(struct piece *piece)
{
	return (unsigned char *)piece - GAP;
}

static void *take_large(size_t size)
{
	unsigned char *more = map(ALIGNMENT + rounded(size));

	if (!more)
		return NULL;
	struct piece *piece = (void *)(more + GAP);
	piece->size = rounded(size);
	return piece + 1;
}

void *malloc(size_t size)
{
	size_t whole = sizeof(struct piece) + rounded(size);

	if (size > PTRDIFF_MAX - 2 * ALIGNMENT)
		return no_memory();
	if (rounded(size) >= LARGE_BYTES)
		return take_large(size);
	if (spare && rounded(size) == SPARE_BYTES) {
		void *again = spare;
		spare = *(void **)again;
		return again;
	}
	if ((size_t)(end - next) < whole && take_more() != 0)
		return NULL;
	struct piece *piece = (void *)next;
	piece->size = rounded(size);
	next += whole;
	return piece + 1;
}

static int is_newest(const struct piece *piece)
{
	return (const unsigned char *)(piece + 1) + piece->size == next;
}

void free(void *bytes)
{
	if (!bytes)
		return;
	struct piece *piece = (struct piece *)bytes - 1;
	if (piece->size >= LARGE_BYTES)
		(void)munmap(mapping_of(piece), ALIGNMENT + piece->size);
	else if (is_newest(piece))
		next = (void *)piece;
	else if (piece->size == SPARE_BYTES) {
		*(void **)bytes = spare;
		spare = bytes;
	}
}

void *calloc(size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return no_memory();
	void *bytes = malloc(count * size);
	return bytes && rounded(count * size) < LARGE_BYTES ? memset(bytes, 0, count * size) : bytes;
}

void *realloc(void *bytes, size_t size)
{
	if (!bytes)
		return malloc(size);
	struct piece *piece = (struct piece *)bytes - 1;
	if (size <= piece->size)
		return bytes;
	if (size > PTRDIFF_MAX - 2 * ALIGNMENT)
		return no_memory();
	if (is_newest(piece) && rounded(size) < LARGE_BYTES &&
	    (size_t)(end - (unsigned char *)bytes) >= rounded(size)) {
		next = (unsigned char *)bytes + rounded(size);
		piece->size = rounded(size);
		return bytes;
	}
	void *moved = malloc(size);
	if (!moved)
		return NULL;
	memcpy(moved, bytes, piece->size);
	free(bytes);
	return moved;
}

void heap_wipe(uintptr_t to)
{
	const uintptr_t from = (uintptr_t)heap_first;

	if (to > from)
		explicit_bzero(heap_first, to - from < FIRST_BYTES ? to - from : FIRST_BYTES);
}
