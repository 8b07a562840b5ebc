/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that more than one process must agree on. Every one is checked by the
 * process that receives the data, whatever the sender claims to have checked.
 */
#ifndef TAPFEED_PROTO_LIMITS_H
#define TAPFEED_PROTO_LIMITS_H

/* Interface names: IFNAMSIZ of linux/if.h, the final NUL included. */
#define TAPFEED_IFNAME_SIZE 16

/* A frame as the interface takes it, in bytes. */
#define TAPFEED_FRAME_MIN_BYTES 14u
#define TAPFEED_FRAME_MAX_BYTES (256u * 1024)

/*
 * The kernel accepts a frame of EtherType 0x8100 or 0x88a8 shorter than this
 * and drops it in silence while it takes the tag off (skb_vlan_untag needs the
 * tag and the EtherType behind it).
 */
#define TAPFEED_TAGGED_FRAME_MIN_BYTES 20u

/* The MTU: ETH_MIN_MTU, and for a TAP 65535 less the Ethernet header. */
#define TAPFEED_MTU_MIN	    68u
#define TAPFEED_MTU_MAX	    65521u
#define TAPFEED_MTU_DEFAULT 1500u

/*
 * The feed socket carries frames: a 4-byte big-endian length, then one protobuf
 * message of at most so many bytes.
 */
#define TAPFEED_FEED_HEADER_BYTES 4u
#define TAPFEED_FEED_FRAME_MAX	  (384u * 1024)

/* A batch: packets, and payload bytes after which no further packet is added.
 */
#define TAPFEED_BATCH_MAX_PACKETS  4096u
#define TAPFEED_BATCH_TARGET_BYTES (192u * 1024)

/* One slot of the injector's arena holds one decoded feed frame at least. All
 * of them are locked memory, of which a user has 8 MiB on many hosts: two
 * feeds. */
#define TAPFEED_SLOT_BYTES (448u * 1024)
#define TAPFEED_SLOT_COUNT 8u

/* Deadlines for a feed peer, in seconds. */
#define TAPFEED_HELLO_DEADLINE_S 5u
#define TAPFEED_FRAME_DEADLINE_S 10u

/* After the first SIGINT or SIGTERM, queued packets are written for so long. */
#define TAPFEED_DRAIN_DEADLINE_S 5u

#define TAPFEED_FEED_VERSION 1u

/* Captures on one feed at a time; each has a slot of the arena for sure. */
#define TAPFEED_PEERS_MAX 8u

/* Files or interfaces that one capture merges. */
#define TAPFEED_SOURCES_MAX 64u

/* What an interface carries. The values cross process boundaries. */
enum tapfeed_kind {
	TAPFEED_TAP = 1, /* Ethernet frames */
	TAPFEED_TUN = 2, /* IP packets without a link header */
};

/*
 * Added to a kind where an interface is made, its descriptors are checked and
 * frames are written: each has a struct virtio_net_hdr before it, of so many
 * bytes, the injector's own to fill.
 */
#define TAPFEED_VNET	   0x10u
#define TAPFEED_VNET_BYTES 10u

static inline enum tapfeed_kind tapfeed_vnet(enum tapfeed_kind kind, int vnet)
{
	return (enum tapfeed_kind)(vnet ? kind | TAPFEED_VNET
					: kind & ~TAPFEED_VNET);
}

/* The bytes before each frame. */
static inline unsigned int tapfeed_headroom(enum tapfeed_kind kind)
{
	return kind & TAPFEED_VNET ? TAPFEED_VNET_BYTES : 0;
}

/* Exit statuses of every process: a promise to scripts, see tapfeed(1). */
enum tapfeed_exit {
	TAPFEED_EXIT_OK = 0,
	/* Something dropped or in error, damaged input, a part failed. */
	TAPFEED_EXIT_LOSS = 1,
	/* Wrong usage, bad filter, no such file, not a capture, name taken. */
	TAPFEED_EXIT_USAGE = 2,
	TAPFEED_EXIT_PERMISSION = 3,
	/* --no-reader exit: nobody read any more. */
	TAPFEED_EXIT_NO_READER = 4,
	/* Second signal: 128 + its number. */
	TAPFEED_EXIT_SIGNAL = 128,
};

#endif
