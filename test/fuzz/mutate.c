#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "mutate.h"

#define KEPT 256
#define MOST 4096

static struct kept {
	uint8_t bytes[MOST];
	size_t length;
} kept[KEPT];
static size_t count, seen;
static bool mutating;
static uint64_t state;

static size_t below(size_t limit)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return limit ? (size_t)(state >> 33) % limit : 0;
}

void mutate_keep(const uint8_t *bytes, size_t length)
{
	if (mutating || length == 0 || length > MOST)
		return;
	seen++;
	const size_t slot = count < KEPT ? count++ : below(seen); /* each one as likely as another */
	if (slot >= KEPT)
		return;
	memcpy(kept[slot].bytes, bytes, length);
	kept[slot].length = length;
}

/* Where the line begins that AT is in, and where the next one does. */
static size_t line_begin(const uint8_t *bytes, size_t at)
{
	while (at > 0 && bytes[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const uint8_t *bytes, size_t length, size_t at)
{
	while (at < length && bytes[at] != '\n')
		at++;
	return at < length ? at + 1 : at;
}

/* A line less. */
static size_t drop_line(uint8_t *bytes, size_t length)
{
	const size_t begin = line_begin(bytes, below(length)), end = line_end(bytes, length, begin);

	memmove(bytes + begin, bytes + end, length - end);
	return length - (end - begin);
}

/* A line of another text that was accepted, in front of one of these. */
static size_t take_line(uint8_t *bytes, size_t length, size_t most)
{
	const struct kept *other = &kept[below(count)];
	const size_t from = line_begin(other->bytes, below(other->length));
	const size_t size = line_end(other->bytes, other->length, from) - from;
	const size_t at = line_begin(bytes, below(length));

	if (length + size > most)
		return length;
	memmove(bytes + at + size, bytes + at, length - at);
	memcpy(bytes + at, other->bytes + from, size);
	return length + size;
}

/* A letter for a letter, a digit for a digit, one of the others for one of the others. */
static size_t change_byte(uint8_t *bytes, size_t length)
{
	uint8_t *byte = &bytes[below(length)];

	if (*byte >= '0' && *byte <= '9')
		*byte = (uint8_t)('0' + below(10));
	else if ((*byte | 32) >= 'a' && (*byte | 32) <= 'z')
		*byte = (uint8_t)((*byte & 32) + 'A' + below(26));
	else if (*byte > ' ' && *byte < 0x7f)
		*byte = (uint8_t) "/.,-_+=*?$!@%~^"[below(15)];
	return length;
}

/* All of another text behind this one: steps behind steps. */
static size_t join(uint8_t *bytes, size_t length, size_t most)
{
	const struct kept *other = &kept[below(count)];

	if (length + other->length > most)
		return length;
	memcpy(bytes + length, other->bytes, other->length);
	return length + other->length;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t length, size_t most, unsigned int seed)
{
	state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	mutating = true;
	if (count == 0 || below(2) == 0)
		return LLVMFuzzerMutate(bytes, length, most);
	const struct kept *from = &kept[below(count)];
	if (from->length > most)
		return LLVMFuzzerMutate(bytes, length, most);
	memcpy(bytes, from->bytes, from->length);
	length = from->length;
	switch (below(6)) {
	case 0:
		length = drop_line(bytes, length);
		break;
	case 1:
		length = take_line(bytes, length, most);
		break;
	case 2:
		length = join(bytes, length, most);
		break;
	case 3:
		return LLVMFuzzerMutate(bytes, length, most);
	default:
		length = change_byte(bytes, length);
	}
	return length ? length : LLVMFuzzerMutate(bytes, 1, most);
}
