#include "steps/common/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "steps/common/file.h"

#define DNS_PORT 53
#define DNS_HEADER 12 /* RFC 1035 section 4.1.1 */
#define DNS_NAME 256
#define DNS_PACKET 1232 /* what arrives unfragmented everywhere */
#define TYPE_A 1
#define TYPE_AAAA 28
#define SERVERS 3
#define ANSWER_MS 2000
#define BLANKS " \t\r"

struct addresses {
	union resolve_address *items;
	size_t count;
};

struct resolver {
	union resolve_address servers[SERVERS];
	size_t nservers;
	struct list search; /* domains */
	unsigned long ndots;
};

static void add_address(struct addresses *to, int family, const void *bytes)
{
	union resolve_address *at = &to->items[to->count];

	if (to->count == RESOLVE_MAX)
		return;
	*at = (union resolve_address){.v6 = {.sin6_family = AF_INET6}};
	if (family == AF_INET) {
		at->v4 = (struct sockaddr_in){.sin_family = AF_INET};
		memcpy(&at->v4.sin_addr, bytes, sizeof(at->v4.sin_addr));
	} else {
		memcpy(&at->v6.sin6_addr, bytes, sizeof(at->v6.sin6_addr));
	}
	to->count++;
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

	if (walk_find(path, WALK_FOLLOW, &found, NULL) != 0)
		return NULL;
	char *text = file_read(mem, found.fd, found.parent, found.name, &length);
	walk_release(&found);
	return text;
}

/* Cuts the next word off *AT; NULL at the end of the line, or at a comment. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, BLANKS);
	size_t length = strcspn(word, BLANKS);

	if (!*word || *word == '#' || *word == ';')
		return NULL;
	*at = word + length + (word[length] != '\0');
	word[length] = '\0';
	return word;
}

static char *next_line(char **at)
{
	char *line = *at;
	size_t length = strcspn(line, "\n");

	if (!*line)
		return NULL;
	*at = line + length + (line[length] != '\0');
	line[length] = '\0';
	return line;
}

static void look_in_hosts(struct mem *mem, const char *host, struct addresses *to)
{
	char *text = read_file(mem, "/etc/hosts"), *line;

	while (text && (line = next_line(&text))) {
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
	union resolve_address found[RESOLVE_MAX] = {0};

	resolver->ndots = 1;
	while (text && (line = next_line(&text))) {
		char *key = next_word(&line);
		if (!key)
			continue;
		if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
			resolver->search = (struct list){NULL, 0}; /* the last one counts, resolv.conf(5) */
		while ((word = next_word(&line))) {
			struct addresses one = {found, 0};
			if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0)
				list_add(mem, &resolver->search, word);
			else if (strcmp(key, "options") == 0 && strncmp(word, "ndots:", 6) == 0)
				resolver->ndots = strtoul(word + 6, NULL, 10);
			else if (strcmp(key, "nameserver") == 0 && resolver->nservers < SERVERS &&
				 add_number(&one, word))
				resolver->servers[resolver->nservers++] = found[0];
		}
	}
}

/* Writes the query for NAME; 0 if it is not a host name. */
static size_t make_query(unsigned char query[DNS_PACKET], const char *name, unsigned char type)
{
	struct timespec now;
	size_t at = DNS_HEADER;

	clock_gettime(CLOCK_MONOTONIC, &now);
	memset(query, 0, DNS_HEADER);
	query[0] = (unsigned char)(now.tv_nsec >>
				   8); /* the id: an attacker who can see the query could answer it anyway */
	query[1] = (unsigned char)now.tv_nsec;
	query[2] = 1; /* recursion desired */
	query[5] = 1; /* one question */
	if (strlen(name) >= DNS_NAME - 2)
		return 0;
	while (*name) {
		size_t length = strcspn(name, ".");
		if (length == 0 || length > 63)
			return 0;
		query[at++] = (unsigned char)length;
		memcpy(query + at, name, length);
		at += length;
		name += length + (name[length] == '.');
	}
	query[at++] = 0;
	query[at++] = 0;
	query[at++] = type;
	query[at++] = 0;
	query[at++] = 1; /* IN */
	return at;
}

/* The position after the name at AT, which may end in a pointer; beyond LENGTH if the name does not end. */
static size_t skip_name(const unsigned char *answer, size_t length, size_t at)
{
	while (at < length) {
		unsigned char label = answer[at];
		if (label >= 0xc0)
			return at + 2;
		at += 1U + label;
		if (label == 0)
			return at;
	}
	return length + 1;
}

static unsigned int number(const unsigned char *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

/* Takes the addresses of TYPE from the answer to a query of QUERY bytes. Anything unexpected ends the reading. */
static void read_answer(const unsigned char *answer, size_t length, size_t query, unsigned char type,
			struct addresses *to)
{
	unsigned int records = number(answer + 6);
	size_t at = query;

	for (; records > 0; records--) {
		at = skip_name(answer, length, at);
		if (at + 10 > length)
			return;
		size_t size = number(answer + at + 8);
		bool wanted = number(answer + at) == type && size == (type == TYPE_A ? 4 : 16);
		at += 10 + size;
		if (at > length)
			return;
		if (wanted)
			add_address(to, type == TYPE_A ? AF_INET : AF_INET6, answer + at - size);
	}
}

static void ask(const union resolve_address *server, const char *name, unsigned char type, const struct timespec *end,
		struct addresses *to)
{
	unsigned char query[DNS_PACKET], answer[DNS_PACKET];
	union resolve_address address = *server;
	socklen_t size = address.any.sa_family == AF_INET ? sizeof(address.v4) : sizeof(address.v6);
	size_t length = make_query(query, name, type);
	int fd = fd_checked(socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (fd < 0)
		return;
	address.v4.sin_port = htons(DNS_PORT); /* at the same place in both */
	if (length && connect(fd, &address.any, size) == 0 && send(fd, query, length, 0) == (ssize_t)length &&
	    poll(&poller, 1, clock_left(end, ANSWER_MS)) == 1) {
		ssize_t got = recv(fd, answer, sizeof(answer), 0);
		/* Only an answer (QR) without an error code to exactly this query. */
		if (got >= (ssize_t)length && memcmp(answer, query, 2) == 0 && answer[2] & 0x80 &&
		    (answer[3] & 0xf) == 0 && memcmp(answer + DNS_HEADER, query + DNS_HEADER, length - DNS_HEADER) == 0)
			read_answer(answer, (size_t)got, length, type, to);
	}
	close(fd);
}

static bool ask_all(const struct resolver *resolver, const char *name, const struct timespec *end, struct addresses *to)
{
	for (size_t i = 0; i < resolver->nservers && to->count == 0 && clock_left(end, 1) > 0; i++) {
		ask(&resolver->servers[i], name, TYPE_A, end, to);
		ask(&resolver->servers[i], name, TYPE_AAAA, end, to);
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

size_t resolve_host(struct mem *mem, const char *host, const struct timespec *end,
		    union resolve_address found[RESOLVE_MAX])
{
	struct addresses to = {found, 0};

	if (!add_number(&to, host)) {
		look_in_hosts(mem, host, &to);
		if (to.count == 0)
			look_in_dns(mem, host, end, &to);
	}
	if (to.count == 0)
		errno = EADDRNOTAVAIL;
	return to.count;
}
