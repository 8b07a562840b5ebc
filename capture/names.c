/* SPDX-License-Identifier: Apache-2.0 */
/* No names of hosts and networks in filters. The words are the user's. */
#include <config.h>

#include "capture/names.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <stddef.h>
#include <string.h>

typedef int getaddrinfo_function(const char *node, const char *service,
				 const struct addrinfo *hints,
				 struct addrinfo **ret_list);

void names_refuse(void)
{
}

int getaddrinfo(const char *node, const char *service,
		const struct addrinfo *hints, struct addrinfo **ret_list)
{
	void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo numeric = { 0 };
	getaddrinfo_function *next;

	if (!symbol)
		return EAI_FAIL;
	memcpy(&next, &symbol, sizeof(next)); /* as dlsym(3) shows it */
	if (hints)
		numeric = *hints;
	if (node)
		numeric.ai_flags |= AI_NUMERICHOST;
	return next(node, service, &numeric, ret_list);
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
