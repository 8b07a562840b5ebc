/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in the system's security log. */
#ifndef TAPFEED_COMMON_AUDIT_H
#define TAPFEED_COMMON_AUDIT_H

#include <stdbool.h>

/* A socket connected to /dev/log, or -1: nobody listens there. */
int audit_open(void);

/* Sends one line of printable ASCII with facility LOG_AUTHPRIV in the name of
 * program, by send(2); waits a second at most. What cannot be sent is lost. */
void audit_send(int fd, const char *program, bool warning, const char *text);

#endif
