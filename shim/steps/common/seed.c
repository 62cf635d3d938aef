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

int seed_begin(struct setup *setup, struct mirror_level *level, int *marker)
{
	const struct step *step = setup->step;
	const int to = level->fd;
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	bool said = false;
	struct stat stat;
	int empty;

	while ((empty = file_is_empty_directory(to)) > 0) {
		*marker = fd_checked(openat(to, TEMPORARY_SEEDING, flags, 0600));
		if (*marker < 0)
			return -1;
		/* On a file system without locks, keeps() prevents losses. */
		const bool busy = flock(*marker, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
		if (!busy && temporary_is_at(*marker, to, TEMPORARY_SEEDING) && fd_fstat(*marker, &stat) == 0) {
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
		close(*marker);
		if (busy && !said)
			setup_note(setup, "waiting for another run that fills \"%s\"", step->to);
		said |= busy;
		setup_progress(setup, step->to);
		(void)poll(NULL, 0, SEED_POLL);
	}
	*marker = -1;
	setup->same += empty == 0;
	/* One of root's, or of the directory's owner, is a run's that had another user; what others have put there says nothing. */
	if (empty == 0 && fstatat(to, TEMPORARY_SEEDING, &stat, AT_SYMLINK_NOFOLLOW) == 0 && stat.st_size > 0 &&
	    stat.st_uid != identity_uid() && (stat.st_uid == 0 || stat.st_uid == level->uid))
		setup_refused(setup, "seed", step->to,
			      "another run fills it, or has left " TEMPORARY_SEEDING
			      ": write \"owner: workload\", or chown and remove it all");
	return empty;
}

void seed_end(struct setup *setup, const struct mirror_level *to, int marker)
{
	/* Somebody may have removed it, or put one of his own there. */
	if (ground_act(&to->ground) == 0 && temporary_is_at(marker, to->fd, TEMPORARY_SEEDING) &&
	    unlinkat(to->fd, TEMPORARY_SEEDING, 0) != 0 && errno != ENOENT)
		setup_failed(setup, "remove " TEMPORARY_SEEDING " in", setup->step->to, errno, CAP_DAC_OVERRIDE);
}
