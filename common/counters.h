/* SPDX-License-Identifier: Apache-2.0 */
/* Making and mapping the pages of proto/counters.h. */
#ifndef TAPFEED_COMMON_COUNTERS_H
#define TAPFEED_COMMON_COUNTERS_H

/*
 * A memfd of COUNTERS_PAGE_BYTES, sealed against any change of its size: a
 * worker cannot make the reader's mapping fault. Returns the fd or a negative
 * errno.
 */
int counters_create(void);

/*
 * Maps a page for its one writer. With fd -1 the page is private memory that
 * nobody reads. 0 and *ret_page, or a negative errno (-EINVAL: no counters
 * page).
 */
int counters_map(int fd, void **ret_page);

/* Maps a page for reading. 0 and *ret_page, or a negative errno. */
int counters_map_readonly(int fd, const void **ret_page);

#endif
