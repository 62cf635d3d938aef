#include "base/nearest.h"

#include <string.h>

/* The number of edits (insert, delete, replace) from A to B; words longer than the table are never near. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], length = strlen(b);

	if (length >= sizeof(row) / sizeof(*row))
		return length;
	for (size_t i = 0; i <= length; i++)
		row[i] = i;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];
		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t best = diagonal + (a[i] != b[j]);
			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[length];
}

const void *named_row(const char *name, const void *rows, size_t size)
{
	for (const char *row = rows;; row += size) {
		const char *its;
		memcpy(&its, row, sizeof(its));
		if (!its)
			return NULL;
		if (strcmp(its, name) == 0)
			return row;
	}
}

const char *nearest_name(const char *word, const void *names, size_t size)
{
	const char *nearest = NULL;
	size_t best = strlen(word) / 3 + 2;

	for (const char *row = names;; row += size) {
		const char *name;
		memcpy(&name, row, sizeof(name));
		if (!name)
			return nearest;
		size_t edits = distance(word, name);
		if (edits < best) {
			best = edits;
			nearest = name;
		}
	}
}
