/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, and
 * in each any mix of interfaces. Blocks that hold no packet and describe no
 * interface are skipped, of whatever length. The input is hostile.
 */
#include <config.h>

#include "capture/pcapng.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "capture/capfile_internal.h"
#include "common/clock.h"

/* Type and length in front, the length again behind; so all have 12 bytes. */
#define BLOCK_HEAD_BYTES    8u
#define BLOCK_TRAILER_BYTES 4u
#define BLOCK_MIN_BYTES	    (BLOCK_HEAD_BYTES + BLOCK_TRAILER_BYTES)

/* Head and fixed fields, of each type that is looked into. */
#define SECTION_FIXED_BYTES   24u
#define INTERFACE_FIXED_BYTES 16u
#define PACKET_FIXED_BYTES    28u /* enhanced and obsolete */
#define SIMPLE_FIXED_BYTES    12u

#define TYPE_SECTION	 0x0a0d0d0au /* the same in either byte order */
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define RESOLUTION_BINARY  0x80u
#define RESOLUTION_DEFAULT 6u /* microseconds */

enum {
	OPTION_END = 0,
	OPTION_IF_TSRESOL = 9,
	OPTION_IF_TSOFFSET = 14,
};

struct block_type {
	uint32_t type;
	const char *name;
	size_t fixed_bytes;
	int (*parse)(struct capfile *file, const uint8_t *buf, size_t len);
};

static const uint64_t powers_of_ten[] = {
	UINT64_C(1),
	UINT64_C(10),
	UINT64_C(100),
	UINT64_C(1000),
	UINT64_C(10000),
	UINT64_C(100000),
	UINT64_C(1000000),
	UINT64_C(10000000),
	UINT64_C(100000000),
	UINT64_C(1000000000),
	UINT64_C(10000000000),
	UINT64_C(100000000000),
	UINT64_C(1000000000000),
	UINT64_C(10000000000000),
	UINT64_C(100000000000000),
	UINT64_C(1000000000000000),
	UINT64_C(10000000000000000),
	UINT64_C(100000000000000000),
	UINT64_C(1000000000000000000),
	UINT64_C(10000000000000000000),
};
#define POWERS_OF_TEN (sizeof(powers_of_ten) / sizeof(powers_of_ten[0]))

int pcapng_init(struct pcapng *pcapng)
{
	pcapng_reset(pcapng);
	pcapng->interfaces =
		calloc(PCAPNG_INTERFACES_MAX, sizeof(*pcapng->interfaces));
	return pcapng->interfaces ? 0 : -ENOMEM;
}

void pcapng_done(struct pcapng *pcapng)
{
	free(pcapng->interfaces);
	pcapng->interfaces = NULL;
}

void pcapng_reset(struct pcapng *pcapng)
{
	pcapng->interface_count = 0;
	pcapng->last_time_ns = 0;
}

/* Below 2^94: 64 bits by at most 10^9. */
static __int128 units_to_ns(uint64_t units, uint8_t resolution)
{
	unsigned int exponent = resolution & ~RESOLUTION_BINARY;

	if (resolution & RESOLUTION_BINARY)
		return ((__int128)units * (__int128)NS_PER_S) >> exponent;
	if (exponent <= 9)
		return (__int128)units * (__int128)powers_of_ten[9 - exponent];
	if (exponent - 9 < POWERS_OF_TEN)
		return (__int128)(units / powers_of_ten[exponent - 9]);
	return 0; /* less than 2^64 units of 10^-29 s */
}

uint64_t pcapng_time_ns(const struct pcapng_interface *interface,
			uint64_t timestamp)
{
	__int128 ns = units_to_ns(timestamp, interface->resolution);

	/* At most 2^93 on either side. */
	ns += (__int128)interface->offset_s * (__int128)NS_PER_S;
	if (ns < 0)
		return 0;
	return ns > (__int128)UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static int check_trailer(struct capfile *file, const uint8_t *trailer)
{
	uint32_t len = capfile_u32(file, trailer);

	if (len == file->record.len)
		return 0;
	return capfile_damaged(file,
			       "block length %" PRIu64 ", at its end %" PRIu32,
			       file->record.len, len);
}

/*
 * The byte order of the section that begins with the magic at these bytes is
 * the file's from now on. False: neither.
 */
static bool set_byte_order(struct capfile *file, const uint8_t *magic)
{
	file->big_endian = false;
	if (capfile_u32(file, magic) == BYTE_ORDER_MAGIC)
		return true;
	file->big_endian = true;
	return capfile_u32(file, magic) == BYTE_ORDER_MAGIC;
}

static int parse_section(struct capfile *file, const uint8_t *buf, size_t len)
{
	uint16_t major, minor;

	(void)len;
	major = capfile_u16(file, buf + 12);
	minor = capfile_u16(file, buf + 14);
	if (major != 1)
		return capfile_refuse(file,
				      "pcapng version %u.%u is not supported",
				      major, minor);
	/* The section's length is not needed: the next one announces itself. */
	file->pcapng.interface_count = 0;
	return 0;
}

static int take_option(struct capfile *file, struct pcapng_interface *interface,
		       uint16_t code, const uint8_t *value, uint16_t len)
{
	switch (code) {
	case OPTION_IF_TSRESOL:
		if (len != 1)
			return capfile_damaged(file,
					       "if_tsresol has %u bytes, not 1",
					       len);
		interface->resolution = value[0];
		return 0;
	case OPTION_IF_TSOFFSET:
		if (len != 8)
			return capfile_damaged(
				file, "if_tsoffset has %u bytes, not 8", len);
		interface->offset_s = (int64_t)capfile_u64(file, value);
		return 0;
	default:
		return 0;
	}
}

/* The last option need not be an end, but it must end in the block. */
static int take_options(struct capfile *file,
			struct pcapng_interface *interface, const uint8_t *at,
			size_t left)
{
	while (left >= 4) {
		uint16_t code = capfile_u16(file, at);
		uint16_t len = capfile_u16(file, at + 2);
		size_t padded = ((size_t)len + 3) & ~(size_t)3;
		int r;

		if (code == OPTION_END)
			return 0;
		at += 4;
		left -= 4;
		if (padded > left)
			return capfile_damaged(
				file,
				"option %u has %u bytes, the block %zu more",
				code, len, left);
		r = take_option(file, interface, code, at, len);
		if (r < 0)
			return r;
		at += padded;
		left -= padded;
	}
	return 0;
}

static int parse_interface(struct capfile *file, const uint8_t *buf, size_t len)
{
	struct capfile_record *record = &file->record;
	struct pcapng *pcapng = &file->pcapng;
	struct pcapng_interface *interface;
	size_t options_end;
	int r;

	/* Any option may matter, so all are wanted at once. */
	if (record->len > CAPFILE_WINDOW_BYTES)
		return capfile_damaged(file,
				       "its block has %" PRIu64
				       " bytes, above %u",
				       record->len, CAPFILE_WINDOW_BYTES);
	record->needed = (size_t)record->len;
	if (len < record->needed)
		return 0;
	options_end = record->needed - BLOCK_TRAILER_BYTES;
	r = check_trailer(file, buf + options_end);
	if (r < 0)
		return r;
	if (pcapng->interface_count == PCAPNG_INTERFACES_MAX)
		return capfile_damaged(file,
				       "more than %u interfaces in a section",
				       PCAPNG_INTERFACES_MAX);
	interface = &pcapng->interfaces[pcapng->interface_count];
	*interface = (struct pcapng_interface){
		.link_type = capfile_u16(file, buf + 8),
		.snaplen = capfile_u32(file, buf + 12),
		.resolution = RESOLUTION_DEFAULT,
	};
	r = take_options(file, interface, buf + INTERFACE_FIXED_BYTES,
			 options_end - INTERFACE_FIXED_BYTES);
	if (r == 0)
		pcapng->interface_count++;
	return r;
}

/* NULL after the problem has been noted. */
static const struct pcapng_interface *find_interface(struct capfile *file,
						     uint32_t id)
{
	struct pcapng *pcapng = &file->pcapng;

	if (id < pcapng->interface_count)
		return &pcapng->interfaces[id];
	capfile_damaged(file,
			"of interface %" PRIu32 ", the section has %" PRIu32,
			id, pcapng->interface_count);
	return NULL;
}

/*
 * The packet's data follow the fixed_bytes; what follows them has been checked
 * to hold captured bytes and the trailer.
 */
static int finish_packet(struct capfile *file, const uint8_t *buf, size_t len,
			 size_t fixed_bytes, uint32_t captured)
{
	struct capfile_record *record = &file->record;
	int r = capfile_set_captured(file, captured);

	if (r < 0)
		return r;
	record->needed = record->len <= CAPFILE_WINDOW_BYTES
				 ? (size_t)record->len
				 : fixed_bytes + record->packet.data_len;
	if (len < record->needed)
		return 0;
	if (record->needed == record->len) {
		r = check_trailer(file,
				  buf + record->needed - BLOCK_TRAILER_BYTES);
		if (r < 0)
			return r;
	}
	record->packet.data = buf + fixed_bytes;
	record->has_packet = true;
	file->pcapng.last_time_ns = record->packet.time_ns;
	return 0;
}

static int parse_timed(struct capfile *file, const uint8_t *buf, size_t len,
		       uint32_t interface_id)
{
	struct packet *packet = &file->record.packet;
	const struct pcapng_interface *interface =
		find_interface(file, interface_id);
	uint64_t room =
		file->record.len - PACKET_FIXED_BYTES - BLOCK_TRAILER_BYTES;
	uint32_t captured = capfile_u32(file, buf + 20);

	if (!interface)
		return -EBADMSG;
	if (captured > room)
		return capfile_damaged(file,
				       "claims %" PRIu32
				       " captured bytes, its block holds "
				       "%" PRIu64,
				       captured, room);
	packet->link_type = interface->link_type;
	packet->time_ns =
		pcapng_time_ns(interface, (uint64_t)capfile_u32(file, buf + 12)
							  << 32 |
						  capfile_u32(file, buf + 16));
	packet->original_len = capfile_u32(file, buf + 24);
	return finish_packet(file, buf, len, PACKET_FIXED_BYTES, captured);
}

static int parse_enhanced(struct capfile *file, const uint8_t *buf, size_t len)
{
	return parse_timed(file, buf, len, capfile_u32(file, buf + 8));
}

static int parse_obsolete(struct capfile *file, const uint8_t *buf, size_t len)
{
	return parse_timed(file, buf, len, capfile_u16(file, buf + 8));
}

/* No time, no interface, no captured length: all to be derived. */
static int parse_simple(struct capfile *file, const uint8_t *buf, size_t len)
{
	struct packet *packet = &file->record.packet;
	const struct pcapng_interface *interface = find_interface(file, 0);
	uint64_t captured =
		file->record.len - SIMPLE_FIXED_BYTES - BLOCK_TRAILER_BYTES;

	if (!interface)
		return -EBADMSG;
	packet->link_type = interface->link_type;
	packet->time_ns = file->pcapng.last_time_ns;
	packet->original_len = capfile_u32(file, buf + 8);
	if (captured > packet->original_len)
		captured = packet->original_len;
	if (interface->snaplen > 0 && captured > interface->snaplen)
		captured = interface->snaplen;
	return finish_packet(file, buf, len, SIMPLE_FIXED_BYTES,
			     (uint32_t)captured);
}

static const struct block_type block_types[] = {
	{ 6, "packet", PACKET_FIXED_BYTES, parse_enhanced },
	{ 3, "packet", SIMPLE_FIXED_BYTES, parse_simple },
	{ 2, "packet", PACKET_FIXED_BYTES, parse_obsolete },
	{ 1, "interface description", INTERFACE_FIXED_BYTES, parse_interface },
	{ TYPE_SECTION, "section header", SECTION_FIXED_BYTES, parse_section },
};

static const struct block_type other_block = { 0, "block", BLOCK_HEAD_BYTES,
					       NULL };

static const struct block_type *find_block_type(uint32_t type)
{
	for (size_t i = 0; i < sizeof(block_types) / sizeof(block_types[0]);
	     i++) {
		if (block_types[i].type == type)
			return &block_types[i];
	}
	return &other_block;
}

static int check_block_len(struct capfile *file, uint32_t len, size_t min)
{
	if (len < min)
		return capfile_damaged(file,
				       "block length %" PRIu32
				       ", at least %zu expected",
				       len, min);
	if (len % 4 != 0)
		return capfile_damaged(file,
				       "block length %" PRIu32
				       ", not a multiple of 4",
				       len);
	return 0;
}

static int parse(struct capfile *file, const uint8_t *buf, size_t len)
{
	struct capfile_record *record = &file->record;
	const struct block_type *type;
	uint32_t block_len;
	int r;

	record->name = other_block.name;
	record->needed = BLOCK_MIN_BYTES;
	if (len < record->needed)
		return 0;
	type = find_block_type(capfile_u32(file, buf));
	record->name = type->name;
	if (type->type == TYPE_SECTION && !set_byte_order(file, buf + 8))
		return capfile_damaged(file, "wrong byte-order magic");
	block_len = capfile_u32(file, buf + 4);
	r = check_block_len(file, block_len,
			    type->fixed_bytes + BLOCK_TRAILER_BYTES);
	if (r < 0)
		return r;
	record->len = block_len;
	record->needed = type->fixed_bytes;
	if (len < record->needed || !type->parse)
		return 0;
	return type->parse(file, buf, len);
}

/* A file begins with a section header, and its magic is part of the probe. */
static int probe(struct capfile *file, const uint8_t *buf, size_t len)
{
	if (len < sizeof(uint32_t))
		return -EAGAIN;
	if (capfile_u32(file, buf) != TYPE_SECTION)
		return 0;
	if (len < BLOCK_MIN_BYTES)
		return -EAGAIN;
	return set_byte_order(file, buf + 8);
}

const struct capfile_format pcapng_format = {
	.probe = probe,
	.parse = parse,
	.trailer_bytes = BLOCK_TRAILER_BYTES,
	.check_trailer = check_trailer,
};
