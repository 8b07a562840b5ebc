/* SPDX-License-Identifier: Apache-2.0 */
/* A capture file, FIFO or pipe as a source of packets, by an fd handed over. */
#ifndef TAPFEED_CAPTURE_SOURCE_FILE_H
#define TAPFEED_CAPTURE_SOURCE_FILE_H

#include <stdbool.h>

#include "capture/source.h"

/* The fd is the source's from now on. 0 or a negative errno. */
int source_file_new(int fd, struct source **ret_source);

/* Of such a source: whether it never has to be waited for, and can be rewound.
 */
bool source_file_is_regular(const struct source *source);

#endif
