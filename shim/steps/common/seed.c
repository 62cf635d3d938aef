#include "steps/common/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "steps/common/file.h"
#include "steps/common/say.h"
#include "steps/common/temporary.h"

#define SEED_POLL 100 /* milliseconds */

/*
 * Has a run that acted as another user left a marker in TO, which STAT describes, or is it at work there? It counts if it is root's or
 * the directory's owner's, and like every marker: others can move, or link, other files to its name.
 */
static bool is_of_other_run(const struct mirror_level *to, struct stat *stat)
{
	return fstatat(to->fd, TEMPORARY_SEEDING, stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       stat->st_mode == (S_IFREG | 0600) && stat->st_nlink == 1 && stat->st_size <= 1 &&
	       (stat->st_uid == 0 || stat->st_uid == to->uid) && stat->st_uid != identity_uid();
}

/*
 * Is the run at work that has left the marker in TO as USER, or done with it by now? Who may read it can ask for LOCK_SH, also on NFS;
 * where there are no locks, none is at work.
 */
static bool is_at_work(int to, uint32_t user)
{
	const struct ground_acted was = ground_become(user, IDENTITY_NO_ID);
	const int marker = fd_openat(to, TEMPORARY_SEEDING, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);

	ground_back(&was);
	if (marker < 0)
		return errno == ENOENT;
	const bool busy = (flock(marker, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
			  !temporary_is_at(marker, to, TEMPORARY_SEEDING);
	close(marker);
	return busy;
}

/* Says in the MARKER, on the disk, that the directory was empty. 0, or -1 with errno. */
static int seal(const struct step *step, int marker)
{
	if (write(marker, "\n", 1) != 1)
		return -1;
	return step->sync == SYNC_NO || fdatasync(marker) == 0 || errno == EINVAL || errno == ENOSYS ? 0 : -1;
}

int seed_begin(struct setup *setup, struct mirror_level *level, int *marker)
{
	const int to = level->fd, flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	const struct step *step = setup->step;
	bool said = false;
	struct stat stat;

	for (;;) {
		const int empty = file_is_empty_directory(to);
		bool busy = empty == 0 && is_of_other_run(level, &stat);
		*marker = -1;
		if (busy && !is_at_work(to, stat.st_uid)) {
			(void)setup_refused(setup, "seed", step->to,
					    "another user's run has left " TEMPORARY_SEEDING
					    ": remove it all, and write \"owner: workload\"");
			return 0;
		}
		if (empty <= 0 && !busy) {
			setup->same += empty == 0;
			return empty;
		}
		if (!busy) {
			*marker = fd_checked(openat(to, TEMPORARY_SEEDING, flags, 0600));
			if (*marker < 0)
				return -1;
			/* On a file system without locks, keeps() prevents losses. */
			busy = flock(*marker, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
			if (!busy && temporary_is_at(*marker, to, TEMPORARY_SEEDING) && fd_fstat(*marker, &stat) == 0) {
				/* Another user may have linked a file of the identity's there. */
				const bool ours = stat.st_nlink == 1;
				level->resumed = ours && stat.st_size > 0;
				if (level->resumed)
					return 0;
				level->made = ours && file_is_empty_directory(to) > 0;
				if (level->made)
					return seal(step, *marker);
				(void)unlinkat(to, TEMPORARY_SEEDING, 0);
			}
			close(*marker);
		}
		if (busy && !said)
			setup_note(setup, "waiting for another run that fills \"%s\"", step->to);
		said |= busy;
		setup_progress(setup, step->to);
		(void)poll(NULL, 0, SEED_POLL);
	}
}

void seed_end(struct setup *setup, const struct mirror_level *to, int marker)
{
	/* Somebody may have removed it, or put one of his own there. */
	if (ground_act(&to->ground) == 0 && temporary_is_at(marker, to->fd, TEMPORARY_SEEDING) &&
	    unlinkat(to->fd, TEMPORARY_SEEDING, 0) != 0 && errno != ENOENT)
		setup_failed(setup, "remove " TEMPORARY_SEEDING " in", setup->step->to, errno, CAP_DAC_OVERRIDE);
}
