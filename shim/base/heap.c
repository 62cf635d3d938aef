/*
 * The heap of the static binary; builds with another C library use that library's, for the sanitizers. capshim runs
 * for a millisecond and then becomes another program, so only the newest piece can be freed: mem_release() in mem.c
 * frees in that order, and a piece freed in another order stays allocated. Compared with musl's heap it saves 15
 * system calls at every start, their page faults, and 6 KB. It also detects an mmap(2) that reports success with
 * address 0, to which musl would write.
 */
#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 16U                    /* of max_align_t */
#define FIRST_BYTES (256U * 1024)        /* BSS: pages are mapped only when used. Enough for a 20-line config */
#define MORE_BYTES ((size_t)1024 * 1024) /* taken from the kernel at a time */

/* In front of every piece, so that the piece itself is aligned. */
struct piece {
	size_t size;
};

#define GAP (ALIGNMENT - sizeof(struct piece)) /* from an aligned address to the header of the first piece */

/*
 * Common, because the linker puts such variables last: the few other variables then share their page with the
 * beginning of this one, and only as much of the rest is touched as is needed. Touching a page costs 2 us.
 */
__attribute__((common)) alignas(ALIGNMENT) unsigned char heap_first[FIRST_BYTES];
static unsigned char *next = heap_first + GAP, *end = heap_first + FIRST_BYTES;

/* The size with its header, as a multiple of the alignment. */
static size_t rounded(size_t size)
{
	return ((size + sizeof(struct piece) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1)) - sizeof(struct piece);
}

static int take_more(size_t size)
{
	size_t bytes = size + GAP > MORE_BYTES ? size + GAP : MORE_BYTES;
	void *more = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (more == MAP_FAILED || !more)
		return -1;
	next = (unsigned char *)more + GAP;
	end = (unsigned char *)more + bytes;
	return 0;
}

void *malloc(size_t size)
{
	size_t whole = sizeof(struct piece) + rounded(size);

	if (size > PTRDIFF_MAX - 2 * ALIGNMENT || ((size_t)(end - next) < whole && take_more(whole) != 0)) {
		errno = ENOMEM;
		return NULL;
	}
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
	if (is_newest(piece))
		next = (void *)piece;
}

void *calloc(size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	void *bytes = malloc(count * size);
	return bytes ? memset(bytes, 0, count * size) : NULL;
}

void *realloc(void *bytes, size_t size)
{
	if (!bytes)
		return malloc(size);
	struct piece *piece = (struct piece *)bytes - 1;
	if (size <= piece->size)
		return bytes;
	if (is_newest(piece) && rounded(size) >= size && (size_t)(end - (unsigned char *)bytes) >= rounded(size)) {
		next = (unsigned char *)bytes + rounded(size);
		piece->size = rounded(size);
		return bytes;
	}
	void *moved = malloc(size);
	return moved ? memcpy(moved, bytes, piece->size) : NULL;
}
