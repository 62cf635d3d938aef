/*
 * Starting processes, and how many.
 */
#pragma once

#include <sys/types.h>

/*
 * fork(2): -1 with errno if it fails. If the call reports that this is the child and it is not, the process ends with
 * 112: it would go on with the child's work, as root.
 */
[[nodiscard]] pid_t process_fork(void);

/* How many processes of this container can be busy at the same time, at most MOST. */
[[nodiscard]] unsigned int process_at_once(unsigned int most);
