/* JSON for output: RFC 8259. All texts are in MEM. */
#pragma once

#include "base/mem.h"
#include "base/start.h"

/* json_quoted(): TEXT in quotes, escaped, valid UTF-8 whatever its bytes. json_strings(): an array of such strings. */
const char *json_quoted(struct mem *mem, const char *text);
const char *json_strings(struct mem *mem, const struct list *list);

/* The members "user" and "capabilities" of the OCI runtime specification: ids, groups and the five sets of HELD. */
const char *json_held(struct mem *mem, const struct start *held);
