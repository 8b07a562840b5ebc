/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capability of a program's file (setcap(8), installed as =p), told from one
 * that the caller had himself.
 */
#ifndef TAPFEED_COMMON_FILECAP_H
#define TAPFEED_COMMON_FILECAP_H

#include <stdbool.h>

/* Whether this process may have cap (CAP_x) in effect: it is permitted. */
bool filecap_has(int cap);

/*
 * Whether that is the caller's own. Our file puts it into the permitted set of
 * whoever starts it and sets AT_SECURE, also where the caller had it as an
 * ambient one; nothing but the caller puts it into the inheritable set.
 */
bool filecap_is_own(int cap);

/* Puts a permitted one into effect. 0 or a negative errno. */
int filecap_raise(int cap);

/* Why one that our file has did not come to us, static; NULL: it has none. */
const char *filecap_lost(void);

#endif
