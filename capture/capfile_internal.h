/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What capfile.c and its two formats share. A format only looks at the record
 * that begins at the bytes it is shown; capfile.c moves on, skips and counts.
 */
#ifndef TAPFEED_CAPTURE_CAPFILE_INTERNAL_H
#define TAPFEED_CAPTURE_CAPFILE_INTERNAL_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/capfile.h"
#include "capture/packet.h"
#include "capture/pcapfile.h"
#include "capture/pcapng.h"

/*
 * A packet that claims more captured bytes is taken for damage. Up to here a
 * packet too long to inject is handed out in part, and the file goes on.
 */
#define CAPFILE_CAPTURED_MAX (16u * 1024 * 1024)

/* A file header, a packet record or a block. */
struct capfile_record {
	/* Set before parse(): the offset of its first byte. */
	uint64_t start;
	/* As messages call it. "packet": is or was to become one. */
	const char *name;
	/* Its first bytes, to be shown at once; at most the window. */
	size_t needed;
	/* All of it. 0 as long as too little was seen to know. */
	uint64_t len;
	bool has_packet;
	struct packet packet;
};

struct capfile_format {
	/* 1: this format; 0: not this one; -EAGAIN: more bytes will tell. */
	int (*probe)(struct capfile *file, const uint8_t *buf, size_t len);
	/*
	 * Sets file->record from the len (not 0) bytes at buf. Where they are
	 * fewer than record.needed it changes nothing else and is called again
	 * with more. 0 or a negative errno.
	 */
	int (*parse)(struct capfile *file, const uint8_t *buf, size_t len);
	/* The last bytes of a record of which parse() did not need the end. */
	size_t trailer_bytes;
	int (*check_trailer)(struct capfile *file, const uint8_t *trailer);
};

struct capfile {
	const struct capfile_format *format; /* NULL: not known yet */
	int error;			     /* sticky */
	bool big_endian;		     /* the file, or its section */
	uint64_t offset;		     /* bytes used so far */
	uint64_t packets;		     /* handed out so far */
	uint64_t rest; /* bytes of the record yet to be skipped */
	struct capfile_record record;
	struct pcapfile pcap;
	struct pcapng pcapng;
	char problem[192];
};

/*
 * Note what is wrong with the current record and where that is; return
 * -EBADMSG. capfile_refuse(): -ENOTSUP at the start of the file.
 */
__attribute__((format(printf, 2, 3))) int capfile_damaged(struct capfile *file,
							  const char *fmt, ...);
__attribute__((format(printf, 2, 3))) int capfile_refuse(struct capfile *file,
							 const char *fmt, ...);

/*
 * Sets packet.captured_len and data_len of the current record. 0, or -EBADMSG
 * above CAPFILE_CAPTURED_MAX.
 */
int capfile_set_captured(struct capfile *file, uint32_t captured);

static inline uint16_t capfile_u16(const struct capfile *file,
				   const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return file->big_endian ? be16toh(value) : le16toh(value);
}

static inline uint32_t capfile_u32(const struct capfile *file,
				   const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return file->big_endian ? be32toh(value) : le32toh(value);
}

static inline uint64_t capfile_u64(const struct capfile *file,
				   const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return file->big_endian ? be64toh(value) : le64toh(value);
}

#endif
