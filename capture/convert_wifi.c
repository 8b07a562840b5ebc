/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 802.11, and what capturing puts in front of it: radiotap, PPI, Prism, AVS.
 * Section numbers are those of IEEE 802.11-2020. Input is hostile: any bytes of
 * any length, and nobody on the air has to be believed either.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "capture/convert_internal.h"
#include "capture/linktype.h"
#include "common/bytes.h"

#define ADDRESS_LEN 6
#define FCS_LEN	    4

/* What the header in front says of a frame. */
struct radio {
	bool fcs;     /* the check sequence stands at its end */
	bool padded;  /* its header is padded to four bytes */
	bool damaged; /* the check sequence was wrong */
};

/* ---- the frame -----------------------------------------------------------
 */

/* 9.2.4.1, frame control: first byte ... */
#define FC_VERSION   0x03
#define FC_TYPE	     0x0c
#define FC_TYPE_DATA 0x08
#define FC_NO_DATA   0x40 /* of the data types */
#define FC_QOS	     0x80
/* ... and second. */
#define FC_TO_DS     0x01
#define FC_FROM_DS   0x02
#define FC_BOTH_DS   0x03
#define FC_MORE	     0x04 /* fragments */
#define FC_PROTECTED 0x40
#define FC_HTC	     0x80 /* of QoS frames: four bytes more */

#define QOS_AMSDU 0x80 /* 9.2.4.5, first byte */
#define QOS_MESH  0x01 /* second byte */

#define MESH_LEN   6
#define MESH_AE	   0x03 /* further addresses */
#define HEADER_LEN 24

/* 9.3.2.1, table 9-30: where in the header the addresses stand. */
static void find_addresses(struct convert_network *network,
			   const uint8_t *header, const uint8_t *fourth)
{
	const uint8_t *first = header + 4, *second = header + 10,
		      *third = header + 16;
	const unsigned int ds = header[1] & FC_BOTH_DS;

	network->destination = ds & FC_TO_DS ? third : first;
	network->source = second;
	if (ds == FC_FROM_DS)
		network->source = third;
	else if (ds == FC_BOTH_DS)
		network->source = fourth;
}

/*
 * 9.2.4.7.3, mesh control, which brings the addresses beyond the mesh. Outside
 * of a mesh the bit that announces it means something else: what is no such
 * header is left as it is.
 */
static enum convert_verdict take_mesh(struct convert_network *network,
				      unsigned int ds)
{
	struct part *part = &network->part;
	const uint8_t *more;
	uint8_t flags;

	if (!(ds & FC_FROM_DS) || part->len == 0)
		return CONVERT_OK;
	flags = part->data[0];
	if ((flags & ~MESH_AE) || flags == MESH_AE)
		return CONVERT_OK;
	if (!part_take(part, MESH_LEN))
		return CONVERT_TOO_SHORT;
	more = part_take(part, flags * ADDRESS_LEN);
	if (!more)
		return CONVERT_TOO_SHORT;
	if (flags == 1) {
		network->source = more;
	} else if (flags == 2) {
		network->destination = more;
		network->source = more + ADDRESS_LEN;
	}
	return CONVERT_OK;
}

/* The QoS control field and the one that may follow it; *ret_qos is left as it
 * is where there is none. */
static enum convert_verdict take_qos(struct convert_network *network,
				     const uint8_t *header, uint32_t *len,
				     const uint8_t **ret_qos)
{
	struct part *part = &network->part;

	if (!(header[0] & FC_QOS))
		return CONVERT_OK;
	*ret_qos = part_take(part, 2);
	if (!*ret_qos)
		return CONVERT_TOO_SHORT;
	*len += 2;
	if (!(header[1] & FC_HTC))
		return CONVERT_OK;
	*len += 4;
	return part_take(part, 4) ? CONVERT_OK : CONVERT_TOO_SHORT;
}

/* Behind the 24 bytes that every data frame begins with. */
static enum convert_verdict take_rest(struct convert_network *network,
				      const uint8_t *header, bool padded)
{
	struct part *part = &network->part;
	const unsigned int ds = header[1] & FC_BOTH_DS;
	const uint8_t *fourth = NULL, *qos = NULL;
	enum convert_verdict verdict;
	uint32_t len = HEADER_LEN;

	if (ds == FC_BOTH_DS) {
		fourth = part_take(part, ADDRESS_LEN);
		if (!fourth)
			return CONVERT_TOO_SHORT;
		len += ADDRESS_LEN;
	}
	find_addresses(network, header, fourth);
	verdict = take_qos(network, header, &len, &qos);
	if (verdict != CONVERT_OK)
		return verdict;
	if (padded && !part_take(part, -len & 3))
		return CONVERT_TOO_SHORT;
	if (qos && (qos[0] & QOS_AMSDU)) {
		network->protocol = CONVERT_AMSDU;
		return CONVERT_OK;
	}
	if (qos && (qos[1] & QOS_MESH))
		verdict = take_mesh(network, ds);
	return verdict == CONVERT_OK ? convert_ether_llc(network) : verdict;
}

static enum convert_verdict take_frame(struct convert_network *network,
				       const struct radio *radio)
{
	struct part *part = &network->part;
	const uint8_t *header;

	if (radio->damaged)
		return CONVERT_DAMAGED;
	if (radio->fcs)
		part_limit(part, part->original_len > FCS_LEN
					 ? part->original_len - FCS_LEN
					 : 0);
	if (part->len < 2)
		return CONVERT_TOO_SHORT;
	if (part->data[0] & FC_VERSION)
		return CONVERT_DAMAGED;
	if ((part->data[0] & FC_TYPE) != FC_TYPE_DATA ||
	    (part->data[0] & FC_NO_DATA))
		return CONVERT_NOT_DATA;
	header = part_take(part, HEADER_LEN);
	if (!header)
		return CONVERT_TOO_SHORT;
	if (header[1] & FC_PROTECTED)
		return CONVERT_ENCRYPTED;
	if ((header[1] & FC_MORE) || (header[22] & 0x0f)) /* its number */
		return CONVERT_FRAGMENT;
	return take_rest(network, header, radio->padded);
}

/* LINKTYPE_IEEE802_11 */
enum convert_verdict convert_wifi(struct convert_network *network)
{
	static const struct radio nothing;

	return take_frame(network, &nothing);
}

/* 9.3.2.2.2: addresses, length, what would be in a frame of its own, padding to
 * four bytes. */
enum convert_verdict convert_wifi_subframe(struct part *rest,
					   struct convert_network *ret_network)
{
	const uint8_t *header = part_take(rest, 14);
	uint32_t len, padded;

	*ret_network = (struct convert_network){ .part = *rest };
	if (!header) {
		rest->len = 0;
		return CONVERT_TOO_SHORT;
	}
	ret_network->destination = header;
	ret_network->source = header + ADDRESS_LEN;
	len = bytes_be16(header + 12);
	if (len > rest->original_len) {
		rest->len = 0;
		return CONVERT_DAMAGED;
	}
	part_limit(&ret_network->part, len);
	padded = len + (-(14 + len) & 3);
	(void)part_take(rest, padded < rest->len ? padded : rest->len);
	return convert_ether_llc(ret_network);
}

/* ---- radiotap ------------------------------------------------------------
 */

#define RADIOTAP_LEN	  8
#define RADIOTAP_TSFT	  0x01u /* in the bitmap of what is present */
#define RADIOTAP_FLAGS	  0x02u
#define RADIOTAP_MORE	  0x80000000u
#define RADIOTAP_FCS	  0x10 /* in the flags */
#define RADIOTAP_PADDED	  0x20
#define RADIOTAP_BAD_FCS  0x40
#define RADIOTAP_TSFT_LEN 8

/* The flags are the first or second field behind the bitmaps; fields stand at
 * multiples of their size. 0 where there are none. */
static uint8_t radiotap_flags(const uint8_t *header, uint32_t len)
{
	const uint32_t present = bytes_le32(header + 4);
	uint32_t at = RADIOTAP_LEN;

	if (!(present & RADIOTAP_FLAGS))
		return 0;
	while (bytes_le32(header + at - 4) & RADIOTAP_MORE) {
		at += 4;
		if (at > len)
			return 0;
	}
	if (present & RADIOTAP_TSFT)
		at = ((at + 7) & ~7u) + RADIOTAP_TSFT_LEN;
	return at < len ? header[at] : 0;
}

/* https://www.radiotap.org */
enum convert_verdict convert_wifi_radiotap(struct convert_network *network)
{
	struct part *part = &network->part;
	const uint8_t *header = part->data;
	struct radio radio;
	uint32_t len;
	uint8_t flags;

	if (part->len < RADIOTAP_LEN)
		return CONVERT_TOO_SHORT;
	len = bytes_le16(header + 2);
	if (header[0] != 0 || len < RADIOTAP_LEN)
		return CONVERT_DAMAGED;
	if (!part_take(part, len))
		return CONVERT_TOO_SHORT;
	flags = radiotap_flags(header, len);
	radio = (struct radio){
		.fcs = flags & RADIOTAP_FCS,
		.padded = flags & RADIOTAP_PADDED,
		.damaged = flags & RADIOTAP_BAD_FCS,
	};
	return take_frame(network, &radio);
}

/* ---- PPI -----------------------------------------------------------------
 */

#define PPI_LEN	       8
#define PPI_ALIGNED    0x01 /* flags: fields stand at multiples of four */
#define PPI_COMMON     2    /* the field "802.11-Common" */
#define PPI_COMMON_LEN 20
#define PPI_FCS	       0x01 /* its flags */
#define PPI_BAD_FCS    0x04

/* Looks through the fields. False where they do not fit in the header. */
static bool ppi_fields(struct part fields, bool aligned, struct radio *radio)
{
	while (fields.len > 0) {
		const uint8_t *head = part_take(&fields, 4), *data;
		uint32_t len;

		if (!head)
			return false;
		len = bytes_le16(head + 2);
		data = part_take(&fields, len);
		if (!data)
			return false;
		if (bytes_le16(head) == PPI_COMMON && len >= PPI_COMMON_LEN) {
			radio->fcs = data[8] & PPI_FCS;
			radio->damaged = data[8] & PPI_BAD_FCS;
		}
		len = aligned ? -len & 3 : 0;
		(void)part_take(&fields, len < fields.len ? len : fields.len);
	}
	return true;
}

/* "The CACE Technologies PPI header format specification", version 1.0.10: any
 * link type by its DLT_ value, which is 802.11's in practice. */
enum convert_verdict convert_wifi_ppi(struct convert_network *network)
{
	struct part fields = network->part;
	const uint8_t *header = part_take(&fields, PPI_LEN);
	struct radio radio = { 0 };
	convert_decoder find;
	uint32_t len, dlt;

	if (!header)
		return CONVERT_TOO_SHORT;
	len = bytes_le16(header + 2);
	if (header[0] != 0 || len < PPI_LEN)
		return CONVERT_DAMAGED;
	if (!part_take(&network->part, len))
		return CONVERT_TOO_SHORT;
	part_limit(&fields, len - PPI_LEN);
	if (!ppi_fields(fields, header[1] & PPI_ALIGNED, &radio))
		return CONVERT_DAMAGED;
	dlt = bytes_le32(header + 4);
	if (dlt == LINKTYPE_IEEE802_11)
		return take_frame(network, &radio);
	find = dlt == LINKTYPE_PPI ? NULL : convert_find(dlt);
	return find ? find(network) : CONVERT_LINK_TYPE;
}

/* ---- Prism and AVS -------------------------------------------------------
 */

#define PRISM_MESSAGE	0x44 /* and 0x41; so much for the byte order */
#define PRISM_MESSAGE_1 0x41
#define AVS_MAGIC	0x80211000u
#define AVS_MASK	0xfffff000u
#define MESSAGE_LEN	8 /* the number, then the length of the header */

static bool is_prism(uint32_t message)
{
	return message == PRISM_MESSAGE || message == PRISM_MESSAGE_1;
}

/* LINKTYPE_IEEE802_11_PRISM: in the byte order of the host that captured; or,
 * with that link type too, an AVS header. */
enum convert_verdict convert_wifi_prism(struct convert_network *network)
{
	const uint8_t *header = network->part.data;
	uint32_t len;

	if (network->part.len < MESSAGE_LEN)
		return CONVERT_TOO_SHORT;
	if (is_prism(bytes_le32(header)))
		len = bytes_le32(header + 4);
	else if (is_prism(bytes_be32(header)) ||
		 (bytes_be32(header) & AVS_MASK) == AVS_MAGIC)
		len = bytes_be32(header + 4);
	else
		return CONVERT_DAMAGED;
	if (len < MESSAGE_LEN)
		return CONVERT_DAMAGED;
	return part_take(&network->part, len) ? convert_wifi(network)
					      : CONVERT_TOO_SHORT;
}

/* LINKTYPE_IEEE802_11_AVS: big-endian. */
enum convert_verdict convert_wifi_avs(struct convert_network *network)
{
	const uint8_t *header = network->part.data;

	if (network->part.len < MESSAGE_LEN)
		return CONVERT_TOO_SHORT;
	if ((bytes_be32(header) & AVS_MASK) != AVS_MAGIC)
		return CONVERT_DAMAGED;
	return convert_wifi_prism(network);
}
