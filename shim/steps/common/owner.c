#include "steps/common/owner.h"

#include <fcntl.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/start.h"
#include "base/text.h"
#include "input/accounts.h"
#include "steps/verb.h"
#include "walk/held.h"
#include "walk/rule.h"

#define ALL_IDS UINT32_MAX

bool owner_differs(const struct owner *owner, const struct fd_stat *now)
{
	return (owner->uid != ACCOUNTS_NO_ID && owner->uid != now->uid) ||
	       (owner->gid != ACCOUNTS_NO_ID && owner->gid != now->gid);
}

int owner_apply(const struct owner *owner, const struct held *held, bool always)
{
	/* Leave out an id that is right: to change only the group, to one that the process is in, needs no capability. */
	uint32_t uid = !always && owner->uid == held->now.uid ? ACCOUNTS_NO_ID : owner->uid;
	uint32_t gid = !always && owner->gid == held->now.gid ? ACCOUNTS_NO_ID : owner->gid;

	if (held->fd < 0)
		return fchownat(held->parent, held->name, uid, gid, AT_SYMLINK_NOFOLLOW);
	return walk_chown(held->fd, uid, gid);
}

/* Does the user namespace map every id to itself? Without /proc that is unknown. */
static bool maps_all(const char *file)
{
	char text[64];
	const char *at;
	const ssize_t length = fd_read_path(file, text, sizeof(text));
	const uint64_t first = text_number(text, 10, &at), outside = text_number(at, 10, &at);
	const uint64_t count = text_number(at, 10, &at);

	return length > 0 && first == 0 && outside == 0 && count == ALL_IDS;
}

bool owner_is_ambiguous(const struct owner *owner)
{
	return (owner->uid == OVERFLOW_ID && !maps_all("/proc/self/uid_map")) ||
	       (owner->gid == OVERFLOW_ID && !maps_all("/proc/self/gid_map"));
}

/*
 * Does NOW belong to the owner of its directory? A run may have given that one to this user, and made NOW as him; but not the
 * one with which foreign ground begins, nor one of another user that the workload can write.
 */
static bool is_of_directory(const struct stat *now, const struct walk_found *at)
{
	struct stat above;

	return fd_fstat(at->parent, &above) == 0 && above.st_uid == now->st_uid &&
	       ((!at->ground.first && (!at->ground.shared || now->st_uid == 0)) || now->st_uid == identity_uid());
}

void owner_complete(struct owner *owner, const struct stat *now, const struct walk_found *at)
{
	const bool none = owner->uid == ACCOUNTS_NO_ID && owner->gid == ACCOUNTS_NO_ID;
	const bool stays = now && !at->ground.foreign && (none || now->st_uid == 0 || now->st_uid == owner->uid);

	if (owner->uid == ACCOUNTS_NO_ID)
		owner->uid = now && (stays || none || is_of_directory(now, at)) ? now->st_uid : identity_uid();
	/*
	 * In a directory that this run has given to its owner that user's own group is the one of a new object; in one that it
	 * has given to root, root's.
	 */
	const bool new = now && now->st_uid == owner->uid &&
			 (now->st_gid == getegid() || ground_is_own_group(owner->uid, now->st_gid));
	if (owner->gid == ACCOUNTS_NO_ID)
		owner->gid = stays || new ? now->st_gid : ground_group(owner->uid);
}

void owner_complete_kept(struct owner *owner, const struct stat *now, const struct walk_found *at, bool more)
{
	const struct fd_stat has = {.uid = now->st_uid, .gid = now->st_gid};
	const bool group_alone = !at->ground.foreign && owner->uid == ACCOUNTS_NO_ID;

	if (!group_alone && (more || owner_differs(owner, &has)))
		owner_complete(owner, now, at);
}

bool owner_gives(const struct step *step)
{
	return step->owner.uid != 0 && step->owner.uid != ACCOUNTS_NO_ID;
}

bool owner_gives_group(const struct step *step)
{
	return step->owner.gid != 0 && step->owner.gid != ACCOUNTS_NO_ID;
}

/* The mode is set before it is given away; set-id bits, which chown(2) clears, are set as the new owner. */
uint64_t owner_needs(const struct step *step)
{
	bool gives = owner_gives(step) || owner_gives_group(step);

	return (gives ? CAPABILITY_BIT(CAP_CHOWN) : 0) | (gives && step->mode & 06000 ? MAY_ACT : 0);
}
