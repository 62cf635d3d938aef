/*
 * --seccomp: from what was seen to a profile under which the check passes.
 */
#pragma once

#include "profile.h"
#include "search.h"

struct tailored {
	struct profile profile;
	unsigned int widened; /* how often a run under it asked for more */
	const char *why;      /* there is none; NULL: it is written */
	const char *name;
	int fd; /* the file NAME, open before the runs, whose workload could put a link there; -1: it is made afterwards, as */
	int directory;
	const char *base;
};

/*
 * Opens the file NAME, no link, and leaves what is in it; or its directory, if there is none. Ends the process with 100 where it
 * cannot be written: better before the runs than after them.
 */
void tailor_begin(struct tailored *to, const char *name, struct mem *mem);

/* Closes them. */
void tailor_end(const struct tailored *to);

/*
 * Makes the profile for what was LEARNED, runs the check under it, and writes it to the file of --seccomp if it passes. A
 * run may make calls that no run before has made, at another moment of its own: these are added, a few times.
 */
void tailor_profile(struct tailored *to, struct learned *learned, const struct run_context *context, struct mem *mem);

/* What came of it, and what the profile is good for. */
void tailor_say(const struct tailored *tailored, const struct learned *learned, const struct run_context *context);

/* A member of a JSON object, with a comma in front. */
const char *tailor_json(const struct tailored *tailored, const struct run_context *context, struct mem *mem);
