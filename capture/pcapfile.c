/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap files (draft-ietf-opsawg-pcap), the older versions and the variants that
 * libpcap reads, too. The input is hostile.
 */
#include <config.h>

#include "capture/pcapfile.h"

#include <errno.h>
#include <inttypes.h>

#include "capture/capfile_internal.h"
#include "common/clock.h"

#define FILE_HEADER_BYTES 24u

/* Above the low 16 bits of the network field stand the length of the FCS etc.*/
#define LINK_TYPE_MASK 0xffffu

struct variant {
	uint32_t magic;
	size_t record_header_bytes;
	uint64_t fraction_ns;
};

/*
 * libpcap names two more magics, 0xa1b234cd and 0xa12b3c4d, which were given
 * away but never described: neither libpcap nor we read them.
 */
static const struct variant variants[] = {
	{ 0xa1b2c3d4, 16, NS_PER_US },
	{ 0xa1b23c4d, 16, 1 },
	/* Kuznetzov's: with interface index, protocol and packet type. */
	{ 0xa1b2cd34, 24, NS_PER_US },
};

struct version {
	uint16_t major, minor;
	enum pcapfile_lengths lengths;
};

/* As libpcap reads them: some writers of 2.3 kept the order of 2.2. */
static const struct version versions[] = {
	{ 2, 4, PCAPFILE_CAPTURED_FIRST }, { 2, 3, PCAPFILE_LENGTHS_VARY },
	{ 2, 2, PCAPFILE_ORIGINAL_FIRST }, { 2, 1, PCAPFILE_ORIGINAL_FIRST },
	{ 2, 0, PCAPFILE_ORIGINAL_FIRST }, { 543, 0, PCAPFILE_ORIGINAL_FIRST },
};

void pcapfile_reset(struct pcapfile *pcap)
{
	*pcap = (struct pcapfile){ 0 };
}

static bool probe_order(struct capfile *file, const uint8_t *buf,
			bool big_endian)
{
	uint32_t magic;

	file->big_endian = big_endian;
	magic = capfile_u32(file, buf);
	for (size_t i = 0; i < sizeof(variants) / sizeof(variants[0]); i++) {
		const struct variant *variant = &variants[i];

		if (variant->magic != magic)
			continue;
		file->pcap.record_header_bytes = variant->record_header_bytes;
		file->pcap.fraction_ns = variant->fraction_ns;
		return true;
	}
	return false;
}

static int probe(struct capfile *file, const uint8_t *buf, size_t len)
{
	if (len < sizeof(uint32_t))
		return -EAGAIN;
	return probe_order(file, buf, false) || probe_order(file, buf, true);
}

static int set_version(struct capfile *file, uint16_t major, uint16_t minor)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].major != major || versions[i].minor != minor)
			continue;
		file->pcap.lengths = versions[i].lengths;
		return 0;
	}
	return capfile_refuse(file, "pcap version %u.%u is not supported",
			      major, minor);
}

static int parse_file_header(struct capfile *file, const uint8_t *buf,
			     size_t len)
{
	struct capfile_record *record = &file->record;
	int r;

	record->name = "file header";
	record->len = FILE_HEADER_BYTES;
	record->needed = FILE_HEADER_BYTES;
	if (len < record->needed)
		return 0;
	r = set_version(file, capfile_u16(file, buf + 4),
			capfile_u16(file, buf + 6));
	if (r < 0)
		return r;
	/* The snaplen at 16 is no promise: longer packets are taken whole. */
	file->pcap.link_type = capfile_u32(file, buf + 20) & LINK_TYPE_MASK;
	file->pcap.header_seen = true;
	return 0;
}

static int set_lengths(struct capfile *file, uint32_t first, uint32_t second)
{
	enum pcapfile_lengths lengths = file->pcap.lengths;
	bool turned = lengths == PCAPFILE_ORIGINAL_FIRST ||
		      (lengths == PCAPFILE_LENGTHS_VARY && first > second);

	file->record.packet.original_len = turned ? first : second;
	return capfile_set_captured(file, turned ? second : first);
}

static int parse_packet(struct capfile *file, const uint8_t *buf, size_t len)
{
	const struct pcapfile *pcap = &file->pcap;
	struct capfile_record *record = &file->record;
	struct packet *packet = &record->packet;
	int r;

	record->name = "packet";
	record->needed = pcap->record_header_bytes;
	if (len < record->needed)
		return 0;
	r = set_lengths(file, capfile_u32(file, buf + 8),
			capfile_u32(file, buf + 12));
	if (r < 0)
		return r;
	record->len = (uint64_t)record->needed + packet->captured_len;
	record->needed += packet->data_len;
	/* A fraction of more than a second is taken as it is; no overflow. */
	packet->time_ns = capfile_u32(file, buf) * NS_PER_S +
			  capfile_u32(file, buf + 4) * pcap->fraction_ns;
	packet->link_type = pcap->link_type;
	packet->data = buf + pcap->record_header_bytes;
	record->has_packet = true;
	return 0;
}

static int parse(struct capfile *file, const uint8_t *buf, size_t len)
{
	return file->pcap.header_seen ? parse_packet(file, buf, len)
				      : parse_file_header(file, buf, len);
}

const struct capfile_format pcapfile_format = {
	.probe = probe,
	.parse = parse,
};
