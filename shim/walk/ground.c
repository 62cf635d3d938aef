#include "walk/ground.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/capability.h"
#include "base/fd.h"
#include "walk/held.h"
#include "walk/make.h"
#include "walk/rule.h"

#define REMEMBERED_MAX 64 /* directories; each uses one descriptor */

static struct {
	const struct ground_people *people; /* NULL: no users are known */
	uint64_t granted;
	int remembered[REMEMBERED_MAX];
	size_t count;
	bool unfixed; /* ground_unfix() */
	bool foreign; /* the process acts on foreign ground, */
	bool entered; /* in a directory of another owner than the identity */
	uint32_t known,
		group; /* the user whose group was looked up last, for a tree asks for each of its files; 0: none */
} ground;

void ground_know(const struct ground_people *people)
{
	ground.people = people;
	ground.known = 0;
	while (!people && ground.count > 0)
		close(ground.remembered[--ground.count]);
}

void ground_unfix(void)
{
	ground.unfixed = true;
}

void ground_grant(uint64_t capabilities)
{
	ground.granted = capabilities;
}

/* The remembered descriptor is open, so the inode number cannot have been reused. */
static bool is_remembered(const struct stat *directory)
{
	struct stat stat;

	for (size_t i = 0; i < ground.count; i++)
		if (fd_fstat(ground.remembered[i], &stat) == 0 && stat.st_dev == directory->st_dev &&
		    stat.st_ino == directory->st_ino)
			return true;
	return false;
}

void ground_remember(int fd)
{
	struct stat stat;

	if (!identity_is_changed() || ground.count == REMEMBERED_MAX || fd_fstat(fd, &stat) != 0 ||
	    is_remembered(&stat))
		return;
	int copy = fd_checked(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
	if (copy >= 0)
		ground.remembered[ground.count++] = copy;
}

/*
 * Does PARENT, the directory that holds a mount point, lie on the mount of "/"? Then so do all directories above it,
 * and no other container can have moved the mount: a rename in another mount namespace moves mount points along.
 */
static bool is_fixed(int parent)
{
	struct fd_stat above, root;

	return !ground.unfixed && fd_statx(parent, "", &above) == 0 && fd_statx(AT_FDCWD, "/", &root) == 0 &&
	       root.mount != 0 && root.mount == above.mount;
}

bool ground_may_have_moved(const struct ground *at, int parent, int fd)
{
	return at->foreign && (at->moved || (fd_begins_mount(fd, "") && !is_fixed(parent)));
}

/*
 * The group of the directory FD if it is root's and the group alone can write there: everything that can be moved there is
 * then readable by that group anyway. It may be the group of root. Otherwise IDENTITY_NO_ID.
 */
static uint32_t only_group(int fd, const struct stat *stat)
{
	const bool only =
		stat->st_uid == 0 && (stat->st_mode & (S_IWGRP | S_IWOTH)) == S_IWGRP && walk_has_acl(fd) == 0;

	return only ? stat->st_gid : IDENTITY_NO_ID;
}

/* Does the kernel let the workload write to the directory FD, whose list may name it? If it does not say: yes. */
static bool list_permits(int fd)
{
	const struct ground_acted was = ground_become(ground.people->workload.uid, IDENTITY_NO_ID);
	const bool may = syscall(SYS_faccessat2, fd, ".", W_OK | X_OK, AT_EACCESS) == 0 || errno != EACCES;

	ground_back(&was);
	return may;
}

/* Could the workload WHO move something to a name in the directory FD? */
static bool may_move(const struct fs_identity *who, int fd, const struct stat *stat)
{
	bool in_group = who->gid == stat->st_gid;

	for (size_t i = 0; i < who->ngroups; i++)
		in_group |= who->groups[i] == stat->st_gid;
	return who->uid == stat->st_uid ||
	       (stat->st_mode & S_IWGRP && (in_group || (walk_has_acl(fd) && list_permits(fd))));
}

/*
 * The identity in FD, a directory of foreign ground. What the workload could have moved there must not be handled with the rights
 * of the directory's owner, nor what the owner could have moved there with those of the workload. To make something, the workload's
 * rights are enough; for what is read, and may be shown to others, it is nobody's. A workload that is root, or that is not known, is
 * no weaker than the owner; but others may be. Where the ground begins with root's directory, such as an emptyDir, all who can write
 * there count as the workload.
 */
static void enter_foreign(struct ground *to, int fd, const struct stat *stat)
{
	const struct ground_people *people = ground.people;
	const uint32_t workload = people ? people->workload.uid : GROUND_NOBODY;
	const bool weaker = workload != 0 && people && !people->none,
		   third = stat->st_uid != 0 && stat->st_uid != workload;

	/*
	 * A third user's, in the volume of another user; or others can write there, or in root's directory in a third user's volume.
	 * A group of the owner's own is taken to have nobody else in it, unless it may be the workload's: outside of the steps PEOPLE
	 * are not known.
	 */
	const bool group = stat->st_mode & S_IWGRP;
	if (to->owner != 0 &&
	    ((third && stat->st_uid != to->uid) || (group && (third || (stat->st_uid == 0 && to->uid != workload)) &&
						    (!people || stat->st_gid != to->uid || walk_has_acl(fd) != 0))))
		to->third = true;
	/* Owned by root and writable by other users: the workload is one of them. */
	to->shared = (to->first && stat->st_uid == 0) || stat->st_mode & S_IWOTH ||
		     (weaker && may_move(&people->workload, fd, stat));
	if (to->shared) {
		to->third |= to->owner != 0 && (third || (to->uid != 0 && to->uid != workload));
		if (weaker || to->uid == 0)
			to->uid = workload;
	}
	if (to->source && (to->third || (to->shared && workload == 0)))
		to->uid = GROUND_NOBODY;
}

/* The identity for the first foreign directory, FD. */
static void begin_foreign(struct ground *to, int fd, const struct stat *stat)
{
	*to = (struct ground){
		.foreign = true,
		.first = true,
		.source = to->source,
		.uid = stat->st_uid,
		.more = only_group(fd, stat),
		.owner = stat->st_uid,
		.mode = stat->st_mode,
	};
	enter_foreign(to, fd, stat);
}

/* The same further on. */
static void go_on_foreign(struct ground *to, int fd, const struct stat *stat, bool remembered)
{
	/* Nor may others have moved anything in a directory below. */
	if (to->more != IDENTITY_NO_ID && !walk_is_roots_alone(stat->st_uid, stat->st_mode) &&
	    to->more != only_group(fd, stat))
		to->more = IDENTITY_NO_ID;
	if (remembered)
		ground_as_owner(to, stat->st_uid);
	else
		enter_foreign(to, fd, stat);
}

void ground_see(struct ground *to, int fd, const struct stat *stat)
{
	to->seen_uid = stat->st_uid;
	to->seen_gid = stat->st_gid;
	to->seen_mode = stat->st_mode & (S_IWGRP | S_IWOTH);
	if (to->seen_mode == S_IWGRP)
		to->seen_mode |= walk_has_acl(fd) != 0;
}

void ground_enter(struct ground *to, int parent, int fd, const struct stat *stat, bool make)
{
	to->entered = to->first = to->shared = false;
	if (to->foreign && fd_begins_mount(fd, "")) {
		if (is_fixed(parent))
			*to = (struct ground){.source = to->source};
		else
			to->moved = true;
	}
	if (!to->foreign && !walk_is_roots(fd, stat))
		begin_foreign(to, fd, stat);
	else if (to->foreign)
		go_on_foreign(to, fd, stat, make && is_remembered(stat));
	ground_see(to, fd, stat);
}

void ground_as_owner(struct ground *to, uint32_t uid)
{
	to->entered = to->foreign;
	to->acts = uid;
}

/* The user UID: with the workload's groups if it is the workload, otherwise with its group of passwd alone. */
static struct fs_identity person(uint32_t uid, uint32_t more)
{
	const struct ground_people *people = ground.people;
	struct fs_identity who = {.uid = uid, .more = more};

	if (people && uid == people->workload.uid) {
		who = people->workload;
		who.more = more;
		return who;
	}
	if (uid != ground.known) {
		const uint32_t gid = people ? people->group_of(people->context, uid) : IDENTITY_NO_ID;
		ground.known = uid;
		/* passwd gives root's group to some users: "operator", or all of an image that is made for OpenShift. */
		ground.group = gid == IDENTITY_NO_ID || gid == 0 ? GROUND_NOBODY : gid;
	}
	who.gid = uid == 0 ? 0 : ground.group;
	return who;
}

bool ground_is_foreign(void)
{
	return ground.foreign;
}

bool ground_is_entered(void)
{
	return ground.entered;
}

uint32_t ground_group(uint32_t uid)
{
	return uid == IDENTITY_NO_ID || uid == identity_uid() ? identity_gid() : getegid();
}

bool ground_is_own_group(uint32_t uid, uint32_t gid)
{
	return person(uid, IDENTITY_NO_ID).gid == gid;
}

int ground_act(const struct ground *at)
{
	ground.foreign = at->foreign;
	ground.entered = at->entered;
	if (!at->foreign || !identity_is_root()) {
		identity_return();
		return 0;
	}
	if (!identity_can_change()) {
		uint64_t effective;
		identity_return();
		const struct fs_identity own = identity_now(&effective);
		if (!at->alone)
			return fd_fail(GROUND_NO_IDENTITY);
		identity_become(&own, CAPABILITY_BIT(CAP_CHOWN));
		return 0;
	}
	const struct fs_identity who = at->entered ? person(at->acts, IDENTITY_NO_ID) : person(at->uid, at->more);
	identity_become(&who, ground.granted);
	return 0;
}

bool ground_is_given(struct ground *at, int fd)
{
	const struct ground was = *at;
	const int err = errno;
	struct stat now;

	(void)fd_fstat(fd, &now); /* what cannot be seen is not root's */
	ground_see(at, fd, &now);
	const bool changed =
		at->seen_uid != was.seen_uid || at->seen_gid != was.seen_gid || at->seen_mode != was.seen_mode;
	if (changed && !was.foreign)
		ground_enter(at, -1, fd, &now, false);
	if (changed && was.foreign) {
		/* Weaker than it was, never stronger. */
		at->entered &= at->acts == now.st_uid;
		go_on_foreign(at, fd, &now, at->entered);
		at->shared |= was.shared;
		if (at->third && !was.third && at->uid == was.uid)
			at->uid = GROUND_NOBODY;
	}
	errno = err;
	return at->foreign != was.foreign || at->uid != was.uid || at->third != was.third || at->more != was.more ||
	       at->entered != was.entered;
}

bool ground_may_give(const struct ground *at, const struct stat *stat, bool more)
{
	return !at->foreign || !identity_is_root() || (stat->st_uid == at->uid && at->uid != 0 && !(at->third && more));
}

struct ground_acted ground_become(uint32_t uid, uint32_t gid)
{
	struct ground_acted was;
	struct fs_identity who = person(uid, IDENTITY_NO_ID);

	was.who = identity_now(&was.effective);
	if (gid != IDENTITY_NO_ID)
		who.gid = gid;
	if (identity_can_change() && (uid != identity_uid() || gid != IDENTITY_NO_ID))
		identity_become(&who, ground.granted);
	return was;
}

void ground_back(const struct ground_acted *was)
{
	int err = errno;

	identity_become(&was->who, was->effective);
	errno = err;
}

void ground_for_name(const struct ground *at, int parent, uint32_t uid, bool any)
{
	struct stat directory;

	if (uid != 0 || !at->first || !identity_is_changed() || !identity_can_change() ||
	    fd_fstat(parent, &directory) != 0 || directory.st_uid != 0 || !(any || directory.st_mode & S_ISVTX))
		return;
	const struct fs_identity root = person(0, IDENTITY_NO_ID);
	identity_become(&root, CAPABILITY_BIT(CAP_CHOWN));
}

int ground_chmod(int fd, int parent, const char *name, uint32_t uid, uint32_t gid, mode_t mode)
{
	struct stat now;
	uint64_t effective;

	/*
	 * A set-group-ID bit also needs the right group. On foreign ground the owner must be in it, because others could have
	 * moved what belongs to root's group there; but a directory may keep the bit that it has.
	 */
	if (mode & S_ISGID && gid == IDENTITY_NO_ID && fd_fstat(fd, &now) == 0 &&
	    (!ground.foreign || (S_ISDIR(now.st_mode) && now.st_mode & S_ISGID)))
		gid = now.st_gid;
	(void)identity_now(&effective);
	bool own_group = !(mode & S_ISGID) || gid == IDENTITY_NO_ID || gid == identity_gid() ||
			 effective & CAPABILITY_BIT(CAP_FSETID);
	bool own = uid == identity_uid() || effective & CAPABILITY_BIT(CAP_FOWNER);
	if ((own && own_group) || !identity_can_change())
		return walk_chmod(fd, parent, name, mode);
	const struct ground_acted was = ground_become(uid, gid);
	int result = walk_chmod(fd, parent, name, mode);
	ground_back(&was);
	return result;
}
