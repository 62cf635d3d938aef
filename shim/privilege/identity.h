/*
 * Acting on the file system as another user, with setfsuid(2) and the calls that belong to it. The kernel then refuses,
 * at every call, what that user could not do. The real, effective and saved ids stay capshim's, so the other user gains
 * no power over capshim. A kernel without setfsuid(2) (gVisor) has the effective ids changed instead; the real and saved
 * ones stay capshim's there, too, and these decide who may signal or trace it: kill(2), ptrace(2).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/start.h"

#define IDENTITY_NO_ID UINT32_MAX

struct fs_identity {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary groups; must stay valid while the identity is in use */
	size_t ngroups;
	uint32_t more; /* one more supplementary group, or IDENTITY_NO_ID */
};

/*
 * Stores START, the state that identity_return() goes back to. Before this call, and after identity_end(), nothing is
 * changed: a process that was not started as root, or has already dropped root, acts as itself.
 */
void identity_begin(const struct start *start);

/* Goes back for good; called right before the drop. */
void identity_end(void);

/*
 * identity_is_root(): was the process started as root, and has not dropped it yet? identity_can_change(): can it also
 * act as another user (SETUID, SETGID)?
 */
bool identity_is_root(void);
[[nodiscard]] bool identity_can_change(void);

/*
 * Becomes WHO, with exactly EFFECTIVE (limited to what the start has) in the effective set. Each part is read back.
 * Ends the process with 111 if the user namespace does not map an id, with 112 if what is read back differs. Where
 * identity_can_change() is false, only the effective set changes.
 */
void identity_become(const struct fs_identity *who, uint64_t effective);

/* Becomes itself again, with everything that the start had; proven in the same way. */
void identity_return(void);

/* The identity that the process has now, to go back to later; *EFFECTIVE is what identity_become() was given. */
struct fs_identity identity_now(uint64_t *effective);

/* Does the process act as another user than itself? */
bool identity_is_changed(void);

/* The file system ids: new files belong to them. */
uint32_t identity_uid(void);
uint32_t identity_gid(void);

/*
 * Makes this process end when PARENT ends. The kernel clears PR_SET_PDEATHSIG when an identity changes
 * (PR_SET_PDEATHSIG(2const)), so it is set again after each change.
 */
void identity_die_with(int parent);
