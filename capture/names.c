/* SPDX-License-Identifier: Apache-2.0 */
/* Names in filters, out of memory. The words are the user's; the two files are
 * root's. */
#include <config.h>

#include "capture/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"

/* Of either file; Debian's have 13 and 3 KB. */
#define FILE_MAX_BYTES (256u * 1024)

static char *services, *protocols; /* NULL: none */

/* The text of a file, NUL at its end; cut where it is too long. */
static int read_text(const char *path, char **ret_text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return 0;
	text = malloc(FILE_MAX_BYTES + 1);
	if (!text) {
		close(fd);
		return -ENOMEM;
	}
	do {
		n = fd_read(fd, text + used, FILE_MAX_BYTES - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	close(fd);
	text[used] = '\0';
	*ret_text = text;
	return 0;
}

int names_init(void)
{
	int r = services ? 0 : read_text("/etc/services", &services);

	return r < 0 || protocols ? r : read_text("/etc/protocols", &protocols);
}

/* Cuts the next word of a line off; false where there is none. */
static bool next_word(const char **line, const char **ret_word, size_t *ret_len)
{
	*line += strspn(*line, " \t");
	*ret_word = *line;
	*ret_len = strcspn(*line, " \t\n#");
	*line += *ret_len;
	return *ret_len > 0;
}

/*
 * Looks for a line "NAME VALUE ALIAS..." of that name or alias. suffix: what
 * the value has to end in ("/tcp"), or "". Its number, or -1.
 */
static long find(const char *text, const char *name, const char *suffix)
{
	const size_t len = strlen(name);
	const char *word, *value;
	size_t word_len, value_len;

	for (; text && *text; text += *text == '\n') {
		bool found;
		char *end;
		long number;

		found = next_word(&text, &word, &word_len) && word_len == len &&
			memcmp(word, name, len) == 0;
		if (!next_word(&text, &value, &value_len)) {
			text += strcspn(text, "\n");
			continue;
		}
		while (next_word(&text, &word, &word_len))
			found = found || (word_len == len &&
					  memcmp(word, name, len) == 0);
		text += strcspn(text, "\n");
		number = strtol(value, &end, 10);
		if (found && number >= 0 && number <= 65535 &&
		    (size_t)(value + value_len - end) == strlen(suffix) &&
		    memcmp(end, suffix, strlen(suffix)) == 0)
			return number;
	}
	return -1;
}

static const char *suffix_of(const struct addrinfo *hints)
{
	switch (hints ? hints->ai_protocol : 0) {
	case IPPROTO_UDP:
		return "/udp";
	case IPPROTO_SCTP:
		return "/sctp";
	default:
		return "/tcp";
	}
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* node: a numeric address, or NULL for none. 0 or EAI_NONAME. */
static int fill_address(const char *node, union address *address)
{
	memset(address, 0, sizeof(*address));
	address->v4.sin_family = AF_INET;
	if (!node || inet_pton(AF_INET, node, &address->v4.sin_addr) == 1)
		return 0;
	address->v6.sin6_family = AF_INET6;
	return inet_pton(AF_INET6, node, &address->v6.sin6_addr) == 1
		       ? 0
		       : EAI_NONAME;
}

int getaddrinfo(const char *node, const char *service,
		const struct addrinfo *hints, struct addrinfo **ret_list)
{
	struct {
		struct addrinfo info;
		union address address;
	} * result;
	long port = 0;
	union address address;

	if (service)
		port = find(services, service, suffix_of(hints));
	if (port < 0 || fill_address(node, &address) != 0)
		return EAI_NONAME;
	result = calloc(1, sizeof(*result));
	if (!result)
		return EAI_MEMORY;
	/* The port lies at the same place in both. */
	address.v4.sin_port = htons((uint16_t)port);
	result->address = address;
	if (hints)
		result->info = *hints;
	result->info.ai_family = address.any.sa_family;
	result->info.ai_addr = &result->address.any;
	result->info.ai_addrlen = address.any.sa_family == AF_INET
					  ? sizeof(address.v4)
					  : sizeof(address.v6);
	result->info.ai_canonname = NULL;
	result->info.ai_next = NULL;
	*ret_list = &result->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
	free(list);
}

int getprotobyname_r(const char *name, struct protoent *ret_entry, char *buf,
		     size_t size, struct protoent **ret_found)
{
	long number = find(protocols, name, "");

	(void)buf;
	(void)size;
	*ret_found = NULL;
	if (number < 0)
		return ENOENT;
	*ret_entry = (struct protoent){ .p_proto = (int)number };
	*ret_found = ret_entry;
	return 0;
}

int getnetbyname_r(const char *name, struct netent *net, char *buf, size_t size,
		   struct netent **ret_net, int *ret_error)
{
	(void)name;
	(void)net;
	(void)buf;
	(void)size;
	*ret_net = NULL;
	*ret_error = HOST_NOT_FOUND;
	return ENOENT;
}

int ether_hostton(const char *name, struct ether_addr *address)
{
	(void)name;
	(void)address;
	return -1;
}
