#include "steps/common/resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <poll.h>
#include <resolv.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "steps/common/file.h"
#include "walk/held.h"

#define DNS_PACKET 1232 /* what arrives unfragmented everywhere */
#define SERVERS 3
#define ANSWER_MS 2000
#define BLANKS " \t\r"

struct resolver {
	union resolve_address servers[SERVERS];
	size_t nservers;
	struct list search; /* domains */
	unsigned long ndots;
};

static void add_address(struct addresses *to, int family, const void *bytes)
{
	if (to->count == RESOLVE_MAX)
		return;
	union resolve_address *at = &to->items[to->count++];
	*at = (union resolve_address){.v6 = {.sin6_family = (sa_family_t)family}}; /* at the same place in both */
	if (family == AF_INET)
		memcpy(&at->v4.sin_addr, bytes, sizeof(at->v4.sin_addr));
	else
		memcpy(&at->v6.sin6_addr, bytes, sizeof(at->v6.sin6_addr));
}

static bool add_number(struct addresses *to, const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, text, bytes) == 1)
		add_address(to, AF_INET, bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		add_address(to, AF_INET6, bytes);
	else
		return false;
	return true;
}

static char *read_file(struct mem *mem, const char *path)
{
	struct walk_found found;
	size_t length;

	if (walk_find(path, WALK_FOLLOW, &found) != 0)
		return NULL;
	char *text = file_read(mem, walk_reopen(found.fd, found.parent, found.name, O_RDONLY), &length);
	walk_release(&found);
	return text;
}

/* Cuts the next word off *LINE; NULL at its end, or at a comment. */
static char *next_word(char **line)
{
	char *word;

	do
		word = strsep(line, BLANKS);
	while (word && !*word);
	return word && *word != '#' && *word != ';' ? word : NULL;
}

static void look_in_hosts(struct mem *mem, const char *host, struct addresses *to)
{
	char *text = read_file(mem, "/etc/hosts"), *line;

	while ((line = strsep(&text, "\n"))) {
		char *address = next_word(&line), *name;
		while (address && (name = next_word(&line)))
			if (strcasecmp(name, host) == 0) {
				(void)add_number(to, address);
				break;
			}
	}
}

static void read_resolver(struct mem *mem, struct resolver *resolver)
{
	char *text = read_file(mem, "/etc/resolv.conf"), *line, *word;
	struct addresses local = {.count = 0};

	resolver->ndots = 1;
	while ((line = strsep(&text, "\n"))) {
		char *key = next_word(&line);
		if (!key)
			continue;
		if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
			resolver->search = (struct list){NULL, 0}; /* the last one counts, resolv.conf(5) */
		while ((word = next_word(&line))) {
			struct addresses one = {.count = 0};
			if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
				list_add(mem, &resolver->search, word);
			else if (strcmp(key, "options") == 0 && strncmp(word, "ndots:", 6) == 0)
				resolver->ndots = text_number(word + 6, 10, NULL);
			else if (strcmp(key, "nameserver") == 0 && resolver->nservers < SERVERS &&
				 add_number(&one, word))
				resolver->servers[resolver->nservers++] = one.items[0];
		}
	}
	if (resolver->nservers == 0 && add_number(&local, "127.0.0.1")) /* the default, resolv.conf(5) */
		resolver->servers[resolver->nservers++] = local.items[0];
}

static unsigned int number(const unsigned char *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* Takes the addresses of TYPE from the answer to a query of QUERY bytes. Anything unexpected ends the reading. */
static void read_answer(const unsigned char *answer, size_t length, size_t query, ns_type type, struct addresses *to)
{
	unsigned int records = number(answer + 6);
	size_t at = query;

	for (; records > 0; records--) {
		const int name = dn_skipname(answer + at, answer + length);
		at += name < 0 ? length : (size_t)name;
		if (at + 10 > length)
			return;
		size_t size = number(answer + at + 8);
		bool wanted = number(answer + at) == (unsigned int)type && size == (type == ns_t_a ? 4 : 16);
		at += 10 + size;
		if (at > length)
			return;
		if (wanted)
			add_address(to, type == ns_t_a ? AF_INET : AF_INET6, answer + at - size);
	}
}

static void ask(const union resolve_address *server, const char *name, ns_type type, const struct timespec *end,
		struct addresses *to)
{
	unsigned char query[DNS_PACKET], answer[DNS_PACKET];
	union resolve_address address = *server;
	socklen_t size = address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
	/* The id is the clock's: an attacker who can see the query could answer it anyway. */
	const int length = res_mkquery(QUERY, name, C_IN, (int)type, NULL, 0, NULL, query, sizeof(query));
	int fd = fd_checked(socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return;
	address.v4.sin_port = htons(NS_DEFAULTPORT); /* at the same place in both */
	if (length > 0 && connect(fd, &address.any, size) == 0 && send(fd, query, (size_t)length, 0) == length &&
	    poll(&poller, 1, clock_left(end, ANSWER_MS)) == 1) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		/* Only an answer (QR) without an error code to exactly this query. */
		if (got >= length && memcmp(answer, query, 2) == 0 && answer[2] & 0x80 && (answer[3] & 0xf) == 0 &&
		    memcmp(answer + NS_HFIXEDSZ, query + NS_HFIXEDSZ, (size_t)length - NS_HFIXEDSZ) == 0)
			read_answer(answer, (size_t)got, (size_t)length, type, to);
	}
	close(fd);
}

static bool ask_all(const struct resolver *resolver, const char *name, const struct timespec *end, struct addresses *to)
{
	for (size_t i = 0; i < resolver->nservers && to->count == 0 && clock_left(end, 1) > 0; i++) {
		ask(&resolver->servers[i], name, ns_t_a, end, to);
		ask(&resolver->servers[i], name, ns_t_aaaa, end, to);
	}
	return to->count > 0;
}

/* With few dots the search list comes first, resolv.conf(5) "ndots"; a final dot marks the name as complete. */
static void look_in_dns(struct mem *mem, const char *host, const struct timespec *end, struct addresses *to)
{
	struct resolver resolver = {.nservers = 0};
	unsigned long dots = 0;

	for (const char *at = host; *at; at++)
		dots += *at == '.';
	bool complete = host[strlen(host) - 1] == '.';
	read_resolver(mem, &resolver);
	if ((complete || dots >= resolver.ndots) && ask_all(&resolver, host, end, to))
		return;
	for (size_t i = 0; !complete && i < resolver.search.count; i++)
		if (ask_all(&resolver, mem_format(mem, "%s.%s", host, resolver.search.items[i]), end, to))
			return;
	if (!complete && dots < resolver.ndots)
		(void)ask_all(&resolver, host, end, to);
}

void resolve_host(struct mem *mem, const char *host, const struct timespec *end, struct addresses *found)
{
	found->count = 0;
	if (add_number(found, host))
		return;
	look_in_hosts(mem, host, found);
	if (found->count == 0)
		look_in_dns(mem, host, end, found);
}
