/* SPDX-License-Identifier: Apache-2.0 */
/* The injector's interface at its start. The helper's reply, stored descriptors
 * and the page of a killed injector are all checked. */
#include <config.h>

#include "injector/iface.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/fdpass.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "injector/account.h"

static void publish(const struct netdev *netdev,
		    struct counters_injector *counters)
{
	memcpy(counters->interface, netdev->name, sizeof(counters->interface));
	counter_set(&counters->mtu, netdev->mtu);
	counter_set(&counters->kind, (uint64_t)netdev->kind);
	__atomic_store_n(&counters->ifindex, netdev->ifindex, __ATOMIC_RELEASE);
}

/* To tapfeed's spawner or systemd, from where a successor gets them. */
static void store(const struct netdev *netdev)
{
	int sock = listen_take("store");
	int r;

	if (sock >= 0)
		r = fdpass_send(sock, "", 1, netdev->queue_fd, netdev->queues);
	else
		r = notify_store(netdev->queue_fd, netdev->queues);
	fd_close(&sock);
	if (r < 0)
		log_warning("the descriptors of %s could not be stored: %s; "
			    "the interface will not outlive this process",
			    netdev->name, log_errno(-r));
}

static int create(const struct options *options, struct netdev *ret)
{
	struct netdev_request request = {
		.kind = tapfeed_vnet(options->kind,
				     options->checksums == CHECKSUMS_TRUST),
		.mtu = options->mtu,
		.queues = options->queues,
		.host_visible = options->host_visible,
	};
	enum privileged_step step = PRIVILEGED_STEP_NONE;
	char message[512];
	int sock = listen_take("privileged");
	int r;

	if (sock < 0) {
		log_error("no socket named \"privileged\" was handed over; "
			  "start me through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	memcpy(request.name, options->name, sizeof(request.name));
	memcpy(request.mac, options->mac, sizeof(request.mac));
	r = netdev_create(sock, &request, ret, &step);
	fd_close(&sock);
	if (r < 0) {
		log_error("%s", netdev_explain(step, r, message,
					       sizeof(message), options->name));
		return (int)netdev_exit_status(step, r);
	}
	return 0;
}

/* Whether the page is of the injector that had this interface. */
static bool page_fits(const struct counters_injector *counters,
		      const struct netdev *netdev)
{
	return memcmp(counters->interface, netdev->name,
		      sizeof(counters->interface)) == 0 &&
	       counters->ifindex > 0 && counters->ifindex <= INT32_MAX &&
	       counters->mtu >= TAPFEED_MTU_MIN &&
	       counters->mtu <= TAPFEED_MTU_MAX &&
	       counters->kind == (uint64_t)netdev->kind;
}

/* All that were stored; as many as the interface has, or -EPROTO. */
static int take_stored(int first, uint32_t queues,
		       int fds[static PRIVILEGED_QUEUES_MAX])
{
	uint32_t n = 0;

	for (int fd = first; fd >= 0; fd = listen_take("interface"), n++) {
		if (n < queues)
			fds[n] = fd;
		else
			fd_close(&fd);
	}
	return n == queues ? 0 : -EPROTO;
}

static int adopt(int first, const struct options *options,
		 struct counters_injector *counters, struct netdev *ret)
{
	int fds[PRIVILEGED_QUEUES_MAX];
	int r = take_stored(first, options->queues, fds);

	if (r == 0)
		r = netdev_adopt(fds, options->queues, options->name,
				 tapfeed_vnet(options->kind,
					      options->checksums ==
						      CHECKSUMS_TRUST),
				 ret);
	if (r < 0) { /* and ends: that closes them */
		if (r == -EBADFD)
			log_error("%s: the interface is gone", options->name);
		else
			log_error("the stored descriptors are not the %u "
				  "queue%s of %s: %s",
				  options->queues,
				  options->queues > 1 ? "s" : "", options->name,
				  log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	if (!page_fits(counters, ret) || account_restart(counters) < 0) {
		log_error("the counters page is not that of an injector of %s",
			  ret->name);
		return TAPFEED_EXIT_LOSS;
	}
	ret->ifindex = (unsigned int)counters->ifindex;
	ret->mtu = (uint32_t)counters->mtu;
	return 0;
}

int iface_open(const struct options *options,
	       struct counters_injector *counters, struct netdev *ret,
	       bool *ret_adopted)
{
	int fd = listen_take("interface");
	int r;

	*ret_adopted = fd >= 0;
	if (fd >= 0)
		return adopt(fd, options, counters, ret);
	r = create(options, ret);
	if (r != 0)
		return r;
	publish(ret, counters);
	store(ret);
	return 0;
}
