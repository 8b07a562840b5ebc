/* SPDX-License-Identifier: Apache-2.0 */
/* injector/netdev.c: what an operator is told where there is no interface. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/netdev.h"

static void test_messages(void **state)
{
	static const struct {
		enum privileged_step step;
		int error;
		enum tapfeed_exit status;
		const char *words[3];
	} rows[] = {
		{ PRIVILEGED_STEP_CAPABILITY,
		  -EPERM,
		  TAPFEED_EXIT_PERMISSION,
		  { "CAP_NET_ADMIN", "sudo", "make install-setcap" } },
		{ PRIVILEGED_STEP_POLICY,
		  -EPERM,
		  TAPFEED_EXIT_PERMISSION,
		  { "uid ", TAPFEED_POLICY_FILE, "tapfeed-policy.conf(5)" } },
		{ PRIVILEGED_STEP_POLICY,
		  -ENOENT,
		  TAPFEED_EXIT_PERMISSION,
		  { "no policy file", TAPFEED_POLICY_FILE,
		    "tapfeed-policy.conf(5)" } },
		{ PRIVILEGED_STEP_POLICY,
		  -EACCES,
		  TAPFEED_EXIT_PERMISSION,
		  { "may not be read", "chmod 0644 " TAPFEED_POLICY_FILE } },
		{ PRIVILEGED_STEP_POLICY,
		  -EINVAL,
		  TAPFEED_EXIT_PERMISSION,
		  { TAPFEED_POLICY_FILE, "EINVAL", "what to mend" } },
		{ PRIVILEGED_STEP_OPEN,
		  -ENOENT,
		  TAPFEED_EXIT_LOSS,
		  { "/dev/net/tun is missing", "modprobe tun", "mknod" } },
		{ PRIVILEGED_STEP_OPEN,
		  -ENODEV,
		  TAPFEED_EXIT_LOSS,
		  { "no driver", "modprobe tun" } },
		{ PRIVILEGED_STEP_OPEN,
		  -EACCES,
		  TAPFEED_EXIT_PERMISSION,
		  { "/dev/net/tun" } },
		{ PRIVILEGED_STEP_OPEN,
		  -EPERM,
		  TAPFEED_EXIT_PERMISSION,
		  { "/dev/net/tun", "EPERM", "container" } },
		{ PRIVILEGED_STEP_OPEN,
		  -EMFILE,
		  TAPFEED_EXIT_LOSS,
		  { "/dev/net/tun", "EMFILE" } },
		{ PRIVILEGED_STEP_NETLINK,
		  -EAFNOSUPPORT,
		  TAPFEED_EXIT_LOSS,
		  { "netlink", "EAFNOSUPPORT" } },
		{ PRIVILEGED_STEP_ATTACH,
		  -EBUSY,
		  TAPFEED_EXIT_USAGE,
		  { "the name is taken", "--name" } },
		{ PRIVILEGED_STEP_ATTACH,
		  -EINVAL,
		  TAPFEED_EXIT_USAGE,
		  { "does not take that name", "--name" } },
		{ PRIVILEGED_STEP_ATTACH,
		  -EPERM,
		  TAPFEED_EXIT_PERMISSION,
		  { "EPERM", "namespace" } },
		{ PRIVILEGED_STEP_OWNER,
		  -EINVAL,
		  TAPFEED_EXIT_LOSS,
		  { "EINVAL", "uid 0" } },
		{ PRIVILEGED_STEP_SEVERAL,
		  -EPERM,
		  TAPFEED_EXIT_PERMISSION,
		  { "--queues", "root (sudo)", "could stop" } },
		{ PRIVILEGED_STEP_QUEUES,
		  -E2BIG,
		  TAPFEED_EXIT_LOSS,
		  { "queues", "E2BIG", "--queues 1" } },
		{ PRIVILEGED_STEP_CHECK,
		  -EUSERS,
		  TAPFEED_EXIT_LOSS,
		  { "somebody else", "deleted again",
		    "chmod 0600 /dev/net/tun" } },
		{ PRIVILEGED_STEP_CHECK,
		  -EPROTO,
		  TAPFEED_EXIT_LOSS,
		  { "check of what was made", "EPROTO" } },
		{ PRIVILEGED_STEP_LINK,
		  -EINVAL,
		  TAPFEED_EXIT_LOSS,
		  { "MTU", "EINVAL", "--mtu" } },
		{ PRIVILEGED_STEP_LINK,
		  -EADDRNOTAVAIL,
		  TAPFEED_EXIT_LOSS,
		  { "address", "--mac" } },
		{ PRIVILEGED_STEP_SHIELD,
		  -ENOENT,
		  TAPFEED_EXIT_LOSS,
		  { "host's own stack", "cls_bpf", "--host-visible" } },
		{ PRIVILEGED_STEP_UP,
		  -EIO,
		  TAPFEED_EXIT_LOSS,
		  { "bringing it up", "EIO" } },
		{ PRIVILEGED_STEP_REQUEST,
		  -EINVAL,
		  TAPFEED_EXIT_USAGE,
		  { "--name, --mtu", "--mac", "tun has no MAC address" } },
		{ PRIVILEGED_STEP_NONE,
		  -EPROTO,
		  TAPFEED_EXIT_LOSS,
		  { "same version" } },
		{ PRIVILEGED_STEP_NONE,
		  -ETIMEDOUT,
		  TAPFEED_EXIT_LOSS,
		  { "within 5 s" } },
		{ PRIVILEGED_STEP_NONE,
		  -ECONNRESET,
		  TAPFEED_EXIT_LOSS,
		  { "without an answer" } },
		{ PRIVILEGED_STEP_NONE,
		  -ENOTCONN,
		  TAPFEED_EXIT_LOSS,
		  { "ENOTCONN" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[512];

		netdev_explain(rows[i].step, rows[i].error, text, sizeof(text),
			       "tapfeed-none");
		for (size_t j = 0; j < 3 && rows[i].words[j]; j++)
			if (!strstr(text, rows[i].words[j]))
				fail_msg("row %zu lacks \"%s\": %s", i,
					 rows[i].words[j], text);
		assert_null(strchr(text, '\n'));
		assert_in_range(strlen(text), 20, 400);
		assert_int_equal(netdev_exit_status(rows[i].step,
						    rows[i].error),
				 rows[i].status);
	}
}

/* "lo" is in every namespace, and nobody is asked for leave. */
static void test_taken_kind(void **state)
{
	char text[512];

	(void)state;
	netdev_explain(PRIVILEGED_STEP_ATTACH, -EBUSY, text, sizeof(text),
		       "lo");
	assert_non_null(strstr(text, "kind loopback"));
	assert_null(strstr(text, "delete"));
}

/* Every step and error gives a line, cut where there is no room. */
static void test_message_sizes(void **state)
{
	char text[512];

	(void)state;
	for (int step = 0; step <= PRIVILEGED_STEP_COUNT; step++)
		for (int error = 0; error < 140; error++)
			for (size_t size = 1; size < sizeof(text); size += 97) {
				memset(text, 'x', sizeof(text));
				netdev_explain((enum privileged_step)step,
					       -error, text, size, "tf0");
				assert_true(strlen(text) < size);
				assert_int_equal(text[size], 'x');
			}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_taken_kind),
		cmocka_unit_test(test_message_sizes),
	};

	return cmocka_run_group_tests_name("netdev_messages", tests, NULL,
					   NULL);
}
