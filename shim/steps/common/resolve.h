/*
 * Host names, for wait_for. The C library's resolver would be a tenth of the binary. The answer only decides whom to
 * wait for, so a short one is enough.
 */
#pragma once

#include <netinet/in.h>
#include <time.h>

#include "base/mem.h"

#define RESOLVE_MAX 16

union resolve_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct addresses {
	union resolve_address items[RESOLVE_MAX];
	size_t count;
};

/*
 * The addresses of HOST: itself if it is an address, then /etc/hosts, then the name servers of /etc/resolv.conf with
 * its search list, each asked for at most two seconds and none after END. There may be none.
 */
void resolve_host(struct mem *mem, const char *host, const struct timespec *end, struct addresses *found);
