/*
 * Starting a process.
 */
#ifndef CAPSHIM_BASE_PROCESS_H
#define CAPSHIM_BASE_PROCESS_H

#include <sys/types.h>

/*
 * fork(2), as there: -1 with errno where it fails. Where it says that this is the child and it is not, the process ends
 * with 112: it would go on with the child's work, and as root.
 */
pid_t process_fork(void) __attribute__((warn_unused_result));

#endif
