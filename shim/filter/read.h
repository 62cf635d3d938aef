/* Reading a profile: shared by read.c, profile.c and where.c. */
#pragma once

#include "filter/parts.h"

struct filter_reader {
	struct problems *problems;
	struct filter_profile *profile;
	const struct filter_target *target;
	struct filter_rule *rule, **end; /* the rule that is being read, and where it will be linked */
	bool excludes;                   /* it is under excludes */
};

/*
 * A member that a mapping may have. READ is NULL if another function reads it; with EACH it reads the items of a list, or
 * a single value in its place. A table ends with a NULL name.
 */
struct filter_key {
	const char *name;
	void (*read)(struct filter_reader *reader, const struct node *node);
	bool each;
};

/* JSON's null, or a missing member: Go programs write null for empty lists and maps. */
bool filter_is_null(const struct node *node);
bool filter_is_scalar(struct filter_reader *reader, const struct node *node);
bool filter_read_number(struct filter_reader *reader, const struct node *node, uint64_t max, uint64_t *number);

/* False: it is no mapping, and a problem was added. */
bool filter_read_map(struct filter_reader *reader, const struct node *map, const struct filter_key *keys);

/* Calls EACH for the items of a list, or for a single value in its place. */
void filter_read_list(struct filter_reader *reader, const struct node *list,
		      void (*each)(struct filter_reader *reader, const struct node *node));

/* where.c: architectures, archMap, includes and excludes */
void filter_read_arch(struct filter_reader *reader, const struct node *node);
void filter_read_arch_map(struct filter_reader *reader, const struct node *node); /* one entry of it */
void filter_read_includes(struct filter_reader *reader, const struct node *node);
void filter_read_excludes(struct filter_reader *reader, const struct node *node);

/* changes.c: adds the rules for the target's changes, after those of the profile */
void filter_read_changes(struct filter_reader *reader);
