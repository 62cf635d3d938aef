/*
 * What was learned, as text or as JSON on standard output.
 */
#pragma once

#include "search.h"
#include "tailor.h"

void answer_say(const struct learned *learned, const struct tailored *tailored, const struct run_context *context,
		struct mem *mem);
void answer_json(const struct learned *learned, const struct tailored *tailored, const struct run_context *context,
		 struct mem *mem);
