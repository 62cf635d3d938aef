/*
 * Any bytes as YAML. What must hold: where capshim's own reader takes them, libyaml takes them as well, and makes the same
 * tree of them.
 */
#include "../filter/tree.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	FUZZ_HOLDS(tree_compare((const char *)bytes, length) >= 0);
	return 0;
}
