/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What crosses the socket between tapfeed-injector and tapfeed-privileged:
 * one struct privileged_request, answered by one struct privileged_reply, each
 * as one message of exactly its size on an AF_UNIX SOCK_SEQPACKET socket. The
 * reply to a successful create carries the queue fds (SCM_RIGHTS), one a queue.
 *
 * Fixed sizes, host byte order, no pointers, no paths and no strings but
 * NUL-padded interface names: nothing a peer sends can make the privileged
 * process allocate. Fields named below as "must be zero" have their place so
 * that the size stays; a request that sets one is refused.
 */
#ifndef TAPFEED_PROTO_PRIVILEGED_H
#define TAPFEED_PROTO_PRIVILEGED_H

#include <assert.h>
#include <stdint.h>

#include "proto/limits.h"

#define PRIVILEGED_VERSION	 1u
#define PRIVILEGED_ADDRESSES_MAX 4u
#define PRIVILEGED_QUEUES_MAX	 8u

enum privileged_op {
	PRIVILEGED_CREATE = 1,
};

/* Flags of a request; the others must be zero. */
enum privileged_flag {
	/* No shield, and ARP as usual: the host takes part. */
	PRIVILEGED_HOST_VISIBLE = 1,
	/* Frames are written with a struct virtio_net_hdr before them. */
	PRIVILEGED_VNET = TAPFEED_VNET,
	PRIVILEGED_FLAGS = PRIVILEGED_HOST_VISIBLE | PRIVILEGED_VNET,
};

struct privileged_address {
	uint8_t family;
	uint8_t prefix_len;
	uint8_t reserved[2];
	uint8_t bytes[16];
};

struct privileged_request {
	uint32_t version; /* PRIVILEGED_VERSION */
	uint32_t op;	  /* enum privileged_op */
	/* NUL-padded to the end; may end in "%d": the kernel numbers it. */
	char name[TAPFEED_IFNAME_SIZE];
	uint32_t kind;		 /* enum tapfeed_kind */
	uint32_t mtu;		 /* TAPFEED_MTU_MIN to TAPFEED_MTU_MAX */
	uint32_t queues;	 /* 1 to PRIVILEGED_QUEUES_MAX */
	uint32_t flags;		 /* enum privileged_flag; others must be zero */
	uint8_t mac[6];		 /* unicast; all zero: a random local one;
				    zero for a TUN, which has none */
	uint8_t mac_reserved[2]; /* must be zero */
	struct privileged_address
		addresses[PRIVILEGED_ADDRESSES_MAX]; /* must be zero */
	char bridge[TAPFEED_IFNAME_SIZE];	     /* must be zero */
	uint8_t reserved[32];			     /* must be zero */
};

/* Where a create failed: named in the reply, so the caller can say why. */
enum privileged_step {
	PRIVILEGED_STEP_NONE = 0,
	PRIVILEGED_STEP_REQUEST,    /* the request is not valid */
	PRIVILEGED_STEP_CAPABILITY, /* neither caller nor file has CAP_NET_ADMIN
				     */
	PRIVILEGED_STEP_POLICY,	    /* the policy file does not allow it */
	PRIVILEGED_STEP_SEVERAL, /* several queues by the file's capability */
	PRIVILEGED_STEP_OPEN,	 /* open("/dev/net/tun") */
	PRIVILEGED_STEP_NETLINK, /* socket(AF_NETLINK) */
	PRIVILEGED_STEP_ATTACH,	 /* TUNSETIFF */
	PRIVILEGED_STEP_OWNER,	 /* TUNSETOWNER */
	PRIVILEGED_STEP_QUEUES,	 /* further queues */
	PRIVILEGED_STEP_CHECK,	 /* RTM_GETLINK, TUNGETIFF: all of it is ours */
	PRIVILEGED_STEP_LINK, /* MAC, MTU, no ARP, no IPv6 autoconfiguration */
	PRIVILEGED_STEP_SHIELD, /* clsact and its two filters */
	PRIVILEGED_STEP_UP,	/* interface up */
	PRIVILEGED_STEP_COUNT,
};

struct privileged_reply {
	uint32_t version; /* PRIVILEGED_VERSION */
	int32_t error;	  /* 0, or a positive errno */
	uint32_t step;	  /* enum privileged_step, where error is not 0 */
	uint32_t ifindex;
	uint32_t mtu;
	uint32_t queues; /* fds that come with this reply */
	char name[TAPFEED_IFNAME_SIZE];
	uint8_t mac[6];
	uint8_t reserved[18];
};

/* What kind of interface a request asks for: with TAPFEED_VNET, or not. */
static inline enum tapfeed_kind privileged_kind(
	const struct privileged_request *request)
{
	return tapfeed_vnet((enum tapfeed_kind)request->kind,
			    request->flags & PRIVILEGED_VNET);
}

static_assert(sizeof(struct privileged_address) == 20, "layout");
static_assert(sizeof(struct privileged_request) == 176, "layout");
static_assert(sizeof(struct privileged_reply) == 64, "layout");

#endif
