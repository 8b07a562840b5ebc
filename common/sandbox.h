/* SPDX-License-Identifier: Apache-2.0 */
/* What a process gives up before it reads its first hostile byte. */
#ifndef TAPFEED_COMMON_SANDBOX_H
#define TAPFEED_COMMON_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Empties the permitted, effective, inheritable and ambient capability sets but
 * for those in keep (a mask of 1 << CAP_x, 0: none), the bounding set where the
 * caller may (CAP_SETPCAP), then sets no_new_privs, makes the process
 * non-dumpable and forbids core files. 0 or a negative errno.
 */
int sandbox_drop_privileges(uint64_t keep);

/* Whether this process holds cap (CAP_x) in its effective set. */
bool sandbox_holds(int cap);

#endif
