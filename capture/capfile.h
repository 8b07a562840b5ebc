/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incremental reader of capture files: tells pcap from pcapng by the first
 * bytes and hands out packets from whatever bytes have come so far. It does no
 * input or output and allocates in capfile_new() only.
 */
#ifndef TAPFEED_CAPTURE_CAPFILE_H
#define TAPFEED_CAPTURE_CAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/packet.h"
#include "proto/limits.h"

/*
 * The caller's buffer must be able to hold so many bytes: the largest frame and
 * what stands around it. Whatever is longer is handed out in part and skipped.
 */
#define CAPFILE_WINDOW_BYTES (TAPFEED_FRAME_MAX_BYTES + 64u * 1024)

struct capfile;

/* A reader at the start of a file. -ENOMEM, or 0 and *ret_file. */
int capfile_new(struct capfile **ret_file);
void capfile_free(struct capfile *file);

/* Back to the start of a file, for the next pass over it. */
void capfile_reset(struct capfile *file);

/*
 * Looks at the len bytes at buf, the next ones of the file, and uses
 * *ret_used of them (set on every return; the caller offers the rest again,
 * with more behind it). Returns
 *   1  *ret_packet is the next packet; its data points into buf
 *   0  there is no whole packet in what is left: offer more, up to
 *      CAPFILE_WINDOW_BYTES
 *   -ENOTSUP  not a capture file, or one of an unknown version (only at its
 *             start)
 *   -EBADMSG  damaged
 * capfile_problem() tells more about an error, which every later call repeats.
 */
int capfile_next(struct capfile *file, const uint8_t *buf, size_t len,
		 size_t *ret_used, struct packet *ret_packet);

/*
 * The file has ended with left bytes unused, after capfile_next() saw them all
 * and returned 0. 0: at a record's boundary; -ENODATA: it had no byte at all;
 * -ENOTSUP: too short to be a capture file; -EBADMSG: it is cut. Told on by
 * capfile_problem(), too. Once capfile_next() has failed: its error again.
 */
int capfile_end(struct capfile *file, size_t left);

/*
 * After an error, one line of ASCII without file name, such as "packet 18 at
 * byte 1234: claims 3735928559 captured bytes". Bytes are counted from 0 in
 * the uncompressed file, packets from 1. Valid until the next call.
 */
const char *capfile_problem(const struct capfile *file);

#endif
