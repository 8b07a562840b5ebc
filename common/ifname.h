/* SPDX-License-Identifier: Apache-2.0 */
/* Interface names, stricter than the kernel's dev_valid_name(). */
#ifndef TAPFEED_COMMON_IFNAME_H
#define TAPFEED_COMMON_IFNAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether name is fit for an interface: 1 to 15 characters, a letter first,
 * then letters, digits, '_', '-' or '.'. The kernel takes nearly anything,
 * `$(id)` included; what passes here is safe in a shell, a path and a log.
 */
bool ifname_valid(const char *name);

/* The same, or a pattern that ends in "%d", which the kernel numbers. */
bool ifname_pattern_valid(const char *name);

/* Whether name is what the kernel may make of a valid name or pattern. */
bool ifname_matches(const char *pattern, const char *name);

#endif
