/* SPDX-License-Identifier: Apache-2.0 */
/* Interface names. Input is hostile; the helper links this file. */
#include <config.h>

#include "common/ifname.h"

#include <string.h>

#include "proto/limits.h"

static const char letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char others[] = "0123456789_-.";

/* Whether the first len characters of name may stand in a name. */
static bool characters_valid(const char *name, size_t len)
{
	if (len == 0 || !strchr(letters, name[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!strchr(letters, name[i]) && !strchr(others, name[i]))
			return false;
	return true;
}

bool ifname_valid(const char *name)
{
	size_t len = strnlen(name, TAPFEED_IFNAME_SIZE);

	return len < TAPFEED_IFNAME_SIZE && characters_valid(name, len);
}

bool ifname_pattern_valid(const char *name)
{
	size_t len = strnlen(name, TAPFEED_IFNAME_SIZE);

	if (len >= TAPFEED_IFNAME_SIZE)
		return false;
	if (len > 2 && strcmp(name + len - 2, "%d") == 0)
		len -= 2;
	return characters_valid(name, len);
}

bool ifname_matches(const char *pattern, const char *name)
{
	const char *percent = strchr(pattern, '%');
	size_t prefix = percent ? (size_t)(percent - pattern) : 0;

	if (!ifname_valid(name))
		return false;
	if (!percent)
		return strcmp(pattern, name) == 0;
	return strncmp(pattern, name, prefix) == 0 && name[prefix] != '\0' &&
	       strspn(name + prefix, "0123456789") == strlen(name + prefix);
}
