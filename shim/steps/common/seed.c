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

/* Is there a marker in TO, which STAT describes, of root's or of the directory's owner? What others have put there says nothing. */
static bool is_of_other_run(const struct mirror_level *to, struct stat *stat)
{
	return fstatat(to->fd, TEMPORARY_SEEDING, stat, AT_SYMLINK_NOFOLLOW) == 0 &&
	       stat->st_mode == (S_IFREG | 0600) && stat->st_nlink == 1 && stat->st_size <= 1 &&
	       (stat->st_uid == 0 || stat->st_uid == to->uid) && stat->st_uid != identity_uid();
}

int seed_begin(struct setup *setup, struct mirror_level *level, int *marker)
{
	const struct step *step = setup->step;
	const int to = level->fd;
	bool said = false;
	struct stat stat;

	for (;;) {
		const int empty = file_is_empty_directory(to);
		*marker = -1;
		if (empty < 0 || (empty == 0 && !is_of_other_run(level, &stat))) {
			setup->same += empty == 0;
			return empty;
		}
		/* To ask whether the run is at work; on a file system without locks, keeps() prevents losses. */
		const struct ground_acted was = ground_become(empty ? identity_uid() : stat.st_uid, IDENTITY_NO_ID);
		*marker = fd_checked(
			openat(to, TEMPORARY_SEEDING,
			       (empty ? O_RDWR | O_CREAT : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			       0600));
		ground_back(&was);
		const bool gone = errno == ENOENT;
		if (*marker < 0 && empty)
			return -1;
		const bool busy = flock(*marker, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		const bool there = *marker < 0 ? !gone : temporary_is_at(*marker, to, TEMPORARY_SEEDING);
		if (!busy && !empty && there) {
			fd_close(*marker);
			*marker = -1;
			setup_refused(setup, "seed", step->to,
				      "a run as another user has left " TEMPORARY_SEEDING
				      ": remove the directory, and make it with \"owner: workload\"");
			return 0;
		}
		if (!busy && empty && there && fd_fstat(*marker, &stat) == 0) {
			/* Another user may have linked a file of the identity's there. */
			const bool ours = stat.st_nlink == 1;
			level->resumed = ours && stat.st_size > 0;
			if (level->resumed)
				return 0;
			level->made = ours && file_is_empty_directory(to) > 0;
			if (level->made)
				return write(*marker, "\n", 1) == 1 &&
						       (step->sync == SYNC_NO || fdatasync(*marker) == 0 ||
							errno == EINVAL || errno == ENOSYS)
					       ? 0
					       : -1;
			(void)unlinkat(to, TEMPORARY_SEEDING, 0);
		}
		fd_close(*marker);
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
