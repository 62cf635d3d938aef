/*
 * Whom a walk trusts: whose links are followed, and whose directories are root's alone.
 */
#ifndef CAPSHIM_WALK_RULE_H
#define CAPSHIM_WALK_RULE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Would a link that belongs to UID, in DIRECTORY, be followed by the rule? */
bool walk_follows(int directory, uint32_t uid) __attribute__((warn_unused_result));

/*
 * May nobody but root change the directory FD? Group bits also show the mask of an ACL: acl(5). A read-only mount makes up
 * for the mode only, as a Kubernetes ConfigMap needs: what is another's here may be mounted for him to write elsewhere.
 */
bool walk_is_roots(int fd, const struct stat *stat);

/* Is FD on procfs? Without an answer: yes. */
bool walk_is_procfs(int fd);

/* Could others than root have changed what lies in DIRECTORY? Without an answer: yes. */
bool walk_is_of_others(int directory);

#endif
