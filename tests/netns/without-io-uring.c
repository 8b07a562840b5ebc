/* SPDX-License-Identifier: Apache-2.0 */
/* without-io-uring COMMAND...: runs it where io_uring is forbidden, as
 * containers forbid it and sysctl kernel.io_uring_disabled does. */
#include <config.h>

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	/* As root without no_new_privs, which would take file capabilities. */
	if (argc < 2 || !filter ||
	    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			     SCMP_SYS(io_uring_setup), 0) < 0 ||
	    seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, geteuid() != 0) < 0 ||
	    seccomp_load(filter) < 0) {
		fputs("without-io-uring: the filter cannot be set\n", stderr);
		return 126;
	}
	seccomp_release(filter);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}
