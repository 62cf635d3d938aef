#include <stddef.h>

#include "steps/steps.h"

/* Every verb, in the order of the manual. Each is defined in the file of its name in verbs/. */
#define VERBS(x)                                                                                                 \
	x(mkdir) x(chown) x(chmod) x(write) x(copy) x(symlink) x(remove) x(template) x(mount) x(sysctl) x(mknod) \
		x(wait_for) x(run) x(run_dir)

#define DECLARATION(name) extern const struct verb verb_##name;
#define ADDRESS(name) &verb_##name,

VERBS(DECLARATION)

const struct verb *const verb_table[] = {VERBS(ADDRESS) NULL};
