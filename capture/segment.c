/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segmentation as in the kernel (tcp_gso_segment, __udp_gso_segment, and the IP
 * layers below them), which network cards do alike: sequence numbers and IP
 * identifications go on, FIN and PSH are the last one's, CWR is the first
 * one's, lengths and checksums are made anew. Input is hostile: any bytes.
 */
#include <config.h>

#include "capture/segment.h"

#include <assert.h>
#include <string.h>

#include "capture/checksum.h"
#include "common/bytes.h"

#define TCP_MIN_LEN    20u
#define TCP_SEQ	       4u
#define TCP_FLAGS      13u
#define TCP_CHECK      16u
#define TCP_URGENT     18u
#define UDP_LEN	       8u
#define UDP_LENGTH     4u
#define UDP_CHECK      6u
#define IPV6_LEN       40u
#define IPV6_NEXT      6u
#define IPV6_JUMBO_LEN 8u

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define URG 0x20
#define CWR 0x80

/* The first bytes of a frame, side by side. Returns how many. */
static uint32_t gather(uint8_t *head, const struct convert_frame *frame)
{
	uint32_t more = SEGMENT_HEAD_MAX - frame->header_len;

	static_assert(CONVERT_HEADER_MAX <= SEGMENT_HEAD_MAX, "room for it");
	if (more > frame->data_len)
		more = frame->data_len;
	memcpy(head, frame->header, frame->header_len);
	memcpy(head + frame->header_len, frame->data, more);
	return frame->header_len + more;
}

bool segment_init(struct segmenter *segmenter,
		  const struct convert_frame *frame, uint32_t pad,
		  enum tapfeed_kind kind, uint32_t mtu)
{
	struct layers *layers = &segmenter->layers;
	uint32_t len = frame->header_len + frame->data_len + pad;

	segmenter->head_len = gather(segmenter->head, frame);
	segmenter->frame = frame;
	segmenter->frame_len = len;
	segmenter->carried = 0;
	segmenter->count = 0;
	segmenter->done = 0;
	/* One that does not say its own length ends where the frame did. */
	if (len < frame->original_len)
		len = frame->original_len;
	if (!layers_find(segmenter->head, segmenter->head_len, len, kind,
			 layers))
		return false;
	segmenter->carried = segmenter->frame_len - layers->network;
	if (layers->version && layers->end < segmenter->frame_len)
		segmenter->carried = layers->end - layers->network;
	return segmenter->carried > mtu;
}

/* The length of TCP's header; 0: it is none that can be cut. */
static uint32_t tcp_header(struct segmenter *segmenter, uint32_t room)
{
	const uint8_t *tcp = segmenter->head + segmenter->layers.transport;
	uint32_t len;

	if (room < TCP_MIN_LEN || tcp[TCP_FLAGS] & (SYN | RST))
		return 0;
	len = (tcp[TCP_FLAGS - 1] >> 4) * 4u;
	if (len < TCP_MIN_LEN || len > room)
		return 0;
	segmenter->tcp_flags = tcp[TCP_FLAGS];
	segmenter->sequence = bytes_be32(tcp + TCP_SEQ);
	segmenter->urgent = bytes_be16(tcp + TCP_URGENT);
	return len;
}

static uint32_t udp_header(struct segmenter *segmenter, uint32_t room)
{
	const struct layers *layers = &segmenter->layers;
	const uint8_t *udp = segmenter->head + layers->transport;

	if (room < UDP_LEN ||
	    bytes_be16(udp + UDP_LENGTH) != layers->end - layers->transport)
		return 0;
	segmenter->checked = bytes_be16(udp + UDP_CHECK) != 0;
	return UDP_LEN;
}

/* Where what is to be cut begins; 0: it cannot be. */
static uint32_t find_data(struct segmenter *segmenter)
{
	const struct layers *layers = &segmenter->layers;
	uint32_t room, len = 0;

	if (!layers->version || !layers->transport ||
	    layers->end > segmenter->frame_len)
		return 0;
	room = segmenter->head_len - layers->transport;
	if (room > layers->end - layers->transport)
		room = (uint32_t)(layers->end - layers->transport);
	if (layers->protocol == LAYERS_TCP)
		len = tcp_header(segmenter, room);
	else if (layers->protocol == LAYERS_UDP)
		len = udp_header(segmenter, room);
	/* The link header may be apart; the rest lies in one piece. */
	if (len == 0 || layers->transport < segmenter->frame->header_len)
		return 0;
	return layers->transport + len;
}

/* The data of a segment; 0: there is none that fits. */
static uint32_t choose_size(const struct segmenter *segmenter, uint32_t mtu,
			    uint32_t size)
{
	uint32_t headers = segmenter->head_len - segmenter->layers.network;
	uint32_t room = mtu > headers ? mtu - headers : 0;

	/* A stream may be cut anywhere, datagrams as they were alone. */
	if (segmenter->layers.protocol == LAYERS_TCP)
		return size == 0 || size > room ? room : size;
	return size > room ? 0 : size;
}

/* No segment has the length that the header for it says: it is taken out, as
 * the kernel does it (ipv6_hopopt_jumbo_remove). */
static void remove_jumbo(struct segmenter *segmenter)
{
	struct layers *layers = &segmenter->layers;
	uint8_t *ip = segmenter->head + layers->network;
	uint8_t *option = ip + IPV6_LEN;

	ip[IPV6_NEXT] = option[0];
	segmenter->head_len -= IPV6_JUMBO_LEN;
	layers->transport -= IPV6_JUMBO_LEN;
	memmove(option, option + IPV6_JUMBO_LEN,
		segmenter->head_len - layers->network - IPV6_LEN);
}

bool segment_plan(struct segmenter *segmenter, uint32_t mtu, uint32_t size)
{
	const struct convert_frame *frame = segmenter->frame;
	const struct layers *layers = &segmenter->layers;
	uint32_t offset = find_data(segmenter);
	uint32_t there;

	if (offset == 0)
		return false;
	segmenter->head_len = offset;
	if (layers->jumbo)
		remove_jumbo(segmenter);
	segmenter->len = (uint32_t)layers->end - offset;
	segmenter->size = choose_size(segmenter, mtu, size);
	if (segmenter->size == 0 || segmenter->len == 0)
		return false;
	segmenter->data = frame->data + (offset - frame->header_len);
	there = frame->header_len + frame->data_len - offset;
	segmenter->data_len = there < segmenter->len ? there : segmenter->len;
	if (layers->version == 4)
		segmenter->id =
			bytes_be16(segmenter->head + layers->network + 4);
	segmenter->count =
		(segmenter->len + segmenter->size - 1) / segmenter->size;
	return true;
}

uint64_t segment_bytes(const struct segmenter *segmenter)
{
	return segmenter->len +
	       (uint64_t)segmenter->count * segmenter->head_len;
}

/* len: of the data. */
static void set_ip(struct segmenter *segmenter, uint32_t len)
{
	uint8_t *ip = segmenter->head + segmenter->layers.network;
	uint32_t all = segmenter->head_len - segmenter->layers.network + len;

	if (segmenter->layers.version == 6) {
		bytes_put_be16(ip + 4, (uint16_t)(all - IPV6_LEN));
		return;
	}
	bytes_put_be16(ip + 2, (uint16_t)all);
	bytes_put_be16(ip + 4, (uint16_t)(segmenter->id + segmenter->done));
	checksum_put_ipv4(ip, segmenter->layers.transport -
				      segmenter->layers.network);
}

/* The checksum of the transport header at field, which is in it. */
static void set_checksum(const struct segmenter *segmenter,
			 const struct segment *segment, uint8_t *field)
{
	const struct layers *layers = &segmenter->layers;
	const uint8_t *header = segmenter->head + layers->transport;
	uint32_t header_len = segmenter->head_len - layers->transport;
	uint32_t len = header_len + segment->data_len + segment->zeros;
	uint64_t sum;

	bytes_put_be16(field, 0);
	sum = checksum_pseudo(segmenter->head + layers->network,
			      layers->version, layers->protocol, len);
	sum = checksum_add(sum, header, header_len);
	checksum_put(field,
		     checksum_add(sum, segment->data, segment->data_len));
}

static void set_tcp(struct segmenter *segmenter, const struct segment *segment)
{
	uint8_t *tcp = segmenter->head + segmenter->layers.transport;
	uint32_t offset = segmenter->done * segmenter->size;
	uint8_t flags = segmenter->tcp_flags;

	if (segmenter->done + 1 < segmenter->count)
		flags &= (uint8_t) ~(FIN | PSH);
	if (segmenter->done > 0)
		flags &= (uint8_t)~CWR;
	/* It counts from the sequence number. */
	if (flags & URG && segmenter->urgent < offset)
		flags &= (uint8_t)~URG;
	bytes_put_be16(tcp + TCP_URGENT,
		       flags & URG ? (uint16_t)(segmenter->urgent - offset)
				   : segmenter->urgent);
	tcp[TCP_FLAGS] = flags;
	bytes_put_be32(tcp + TCP_SEQ, segmenter->sequence + offset);
	set_checksum(segmenter, segment, tcp + TCP_CHECK);
}

static void set_udp(struct segmenter *segmenter, const struct segment *segment)
{
	uint8_t *udp = segmenter->head + segmenter->layers.transport;

	bytes_put_be16(udp + UDP_LENGTH,
		       (uint16_t)(UDP_LEN + segment->data_len +
				  segment->zeros));
	if (!segmenter->checked)
		return;
	set_checksum(segmenter, segment, udp + UDP_CHECK);
	if (bytes_be16(udp + UDP_CHECK) == 0) /* which says: none */
		bytes_put_be16(udp + UDP_CHECK, 0xffff);
}

bool segment_next(struct segmenter *segmenter, struct segment *ret)
{
	uint32_t offset = segmenter->done * segmenter->size;
	uint32_t len = segmenter->len - offset;
	uint32_t there = 0;

	if (segmenter->done == segmenter->count)
		return false;
	if (len > segmenter->size)
		len = segmenter->size;
	if (offset < segmenter->data_len)
		there = segmenter->data_len - offset;
	if (there > len)
		there = len;
	*ret = (struct segment){
		.head = segmenter->head,
		.head_len = segmenter->head_len,
		.data = segmenter->data + (there > 0 ? offset : 0),
		.data_len = there,
		.zeros = len - there,
	};
	set_ip(segmenter, len);
	if (segmenter->layers.protocol == LAYERS_TCP)
		set_tcp(segmenter, ret);
	else
		set_udp(segmenter, ret);
	segmenter->done++;
	return true;
}
