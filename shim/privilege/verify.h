/*
 * Proof: reads back the whole state with system calls that share no code with the drop, and tries to regain
 * privilege.
 */
#pragma once

#include "privilege/privileges.h"

/* Returns only if the process holds exactly WANT and cannot regain more. Otherwise ends it with status 112. */
void verify_privileges(const struct privileges *want);
