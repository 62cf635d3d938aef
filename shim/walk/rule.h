/* Whom a walk trusts: which links it follows, and which directories only root can change. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Does the rule allow following a link in DIRECTORY that belongs to UID? */
[[nodiscard]] bool walk_follows(int directory, uint32_t uid);

/*
 * The judgement that everything here rests on: is a file or directory of this owner and mode owned by root and writable
 * by nobody else? The group bits also show the mask of an access control list, acl(5).
 */
bool walk_is_roots_alone(uint32_t uid, mode_t mode);

/*
 * The same for the directory FD, with an excuse: on a read-only mount a loose mode is harmless (Kubernetes ConfigMaps
 * are 0777). A foreign owner is not: the volume may be writable in another container.
 */
bool walk_is_roots(int fd, const struct stat *stat);

/* Is FD on procfs? If that cannot be determined: yes. */
bool walk_is_procfs(int fd);

/*
 * Could users other than root have changed what was just made in DIRECTORY? If that cannot be determined: yes. Without
 * the excuse: nothing can be made on a read-only mount.
 */
bool walk_is_of_others(int directory);
