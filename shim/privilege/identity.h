/*
 * Acting on the file system as another user: setfsuid(2) and what belongs to it. The kernel then refuses, at every call,
 * whatever that user could not do. The real, effective and saved ids stay capshim's, so nobody gains power over capshim.
 */
#ifndef CAPSHIM_PRIVILEGE_IDENTITY_H
#define CAPSHIM_PRIVILEGE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/start.h"

#define IDENTITY_NO_ID UINT32_MAX

struct fs_identity {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary groups; must outlive the identity's use */
	size_t ngroups;
	uint32_t more; /* one more supplementary group, or IDENTITY_NO_ID */
};

/*
 * Tells whose START the process is: what identity_return() goes back to. Before this, and after identity_end(), nothing
 * is changed: a process that was not started as root, or has given root up, acts as itself.
 */
void identity_begin(const struct start *start);

/* Goes back for good: right before the drop. */
void identity_end(void);

/* Was the process started as root and has not given it up? And can it become another user (SETUID, SETGID)? */
bool identity_is_root(void);
bool identity_can_change(void) __attribute__((warn_unused_result));

/*
 * Becomes WHO with exactly EFFECTIVE, as far as the start has it, in the effective set; each part is read back. Ends the
 * process with 111 where the user namespace does not map an id, with 112 where what is read back differs. Only the
 * effective set may differ where identity_can_change() says no.
 */
void identity_become(const struct fs_identity *who, uint64_t effective);

/* Becomes itself again, with all that the start had; proven as above. */
void identity_return(void);

/* Who the process is now, to go back to; *EFFECTIVE as identity_become() was told. */
struct fs_identity identity_now(uint64_t *effective);

/* Is it another than the process's own? */
bool identity_is_changed(void);

/* The file system ids: what is made belongs to them. */
uint32_t identity_uid(void);
uint32_t identity_gid(void);

/* The effective set as it is now. */
uint64_t identity_effective(void);

/*
 * Ends this process when PARENT ends. A change of identity makes the kernel forget what prctl(PR_SET_PDEATHSIG) set
 * (PR_SET_PDEATHSIG(2const)), so it is set again after each.
 */
void identity_die_with(int parent);

#endif
