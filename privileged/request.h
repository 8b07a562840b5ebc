/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's one request: pure checks of what the peer sent. */
#ifndef TAPFEED_PRIVILEGED_REQUEST_H
#define TAPFEED_PRIVILEGED_REQUEST_H

#include <stddef.h>

#include "proto/privileged.h"

/*
 * What is wrong with a message of len bytes, in a few words fit for a log line;
 * NULL where it is a request that proto/privileged.h allows, every field
 * checked. Nothing beyond len is looked at.
 */
const char *request_fault(const struct privileged_request *request, size_t len);

#endif
