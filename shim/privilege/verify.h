/*
 * Proving: reads back the whole state with system calls that share nothing with the drop, and tries to come back.
 */
#ifndef CAPSHIM_PRIVILEGE_VERIFY_H
#define CAPSHIM_PRIVILEGE_VERIFY_H

#include "privilege/privileges.h"

/* Returns only if the process holds exactly WANT and cannot regain more; otherwise status 112. */
void verify_privileges(const struct privileges *want);

#endif
