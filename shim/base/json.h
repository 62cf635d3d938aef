/*
 * JSON, for what is printed: RFC 8259. All texts are in MEM.
 */
#ifndef CAPSHIM_BASE_JSON_H
#define CAPSHIM_BASE_JSON_H

#include "base/mem.h"
#include "base/start.h"

/* "TEXT" with what has to be escaped, valid UTF-8 whatever its bytes; and an array of such. */
const char *json_quoted(struct mem *mem, const char *text);
const char *json_strings(struct mem *mem, const struct list *list);

/* "user":{…},"capabilities":{…} of the OCI runtime specification: ids, groups and the five sets of HELD. */
const char *json_held(struct mem *mem, const struct start *held);

#endif
