/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For unit tests: a TAP interface in a network namespace of the test's own,
 * which receives what the test writes.
 */
#ifndef TAPFEED_TESTS_UNIT_LIVETAP_H
#define TAPFEED_TESTS_UNIT_LIVETAP_H

#include "tests/unit/unit.h"

#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/fd.h"
#include "common/log.h"

#define NAME	  "live0"
#define FRAME_LEN 60

static int tap = -1;	   /* what is written here, NAME receives */
static const char *cannot; /* why nothing can be tested here */

static inline void set_flags(const char *name, bool up)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_flags = up ? IFF_UP : 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static inline void rename_interface(const char *from, const char *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", from);
	snprintf(request.ifr_newname, sizeof(request.ifr_newname), "%s", to);
	assert_int_equal(ioctl(fd, SIOCSIFNAME, &request), 0);
	close(fd);
}

static inline int make_interface(short kind)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = { .ifr_flags = (short)(kind | IFF_NO_PI),
				 .ifr_name = NAME };

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	return fd;
}

static inline int setup_tap(void **state)
{
	(void)state;
	if (!cannot) {
		tap = make_interface(IFF_TAP);
		set_flags(NAME, true);
	}
	return 0;
}

static inline int teardown_tap(void **state)
{
	(void)state;
	fd_close(&tap);
	return 0;
}

static inline void write_frame(uint32_t number, uint16_t ether_type)
{
	uint8_t frame[FRAME_LEN] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };

	frame[12] = (uint8_t)(ether_type >> 8);
	frame[13] = (uint8_t)ether_type;
	memcpy(frame + 14, &number, sizeof(number));
	assert_int_equal(write(tap, frame, sizeof(frame)), sizeof(frame));
}

static inline void write_frames(uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		write_frame(first + i, 0x88b5);
}

/* A network namespace of this program's own; where that cannot be had, cannot
 * says why. */
static inline void enter_namespace(void)
{
	int fd;

	log_init(LOG_LEVEL_ERROR, NULL, false);
	if (geteuid() == 0 ? unshare(CLONE_NEWNET) < 0
			   : unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cannot = "no network namespace can be made";
	else if (access("/dev/net/tun", R_OK | W_OK) < 0)
		cannot = "/dev/net/tun cannot be opened";
	/* The kernel would send frames of its own. */
	fd = cannot ? -1
		    : open("/proc/sys/net/ipv6/conf/default/disable_ipv6",
			   O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) != 1)
		print_message("IPv6 stays on\n");
	fd_close(&fd);
}

#define ON_TAP(test)                                                           \
	cmocka_unit_test_setup_teardown(test, setup_tap, teardown_tap)

#endif
