/*
 * JSON by the letter: RFC 8259, and nothing that a YAML reader takes as well. It shares nothing with shim/.
 */
#pragma once

#include <stdbool.h>

/* Is TEXT one JSON value? What its bytes from 0x80 on stand for is not looked at. */
bool json_is(const char *text);
