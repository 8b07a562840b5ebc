/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's numbers stand here: its header of the day may be older. */
#include <config.h>

#include "common/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */

struct ruleset {
	uint64_t access_fs;
	uint64_t access_net;
	uint64_t scoped;
};

/* Every right there is from each version on. */
static const struct {
	struct ruleset rights;
	size_t size; /* of what that version takes */
} versions[] = {
	{ { (UINT64_C(1) << 13) - 1, 0, 0 }, 8 },
	{ { (UINT64_C(1) << 14) - 1, 0, 0 }, 8 },  /* other directories */
	{ { (UINT64_C(1) << 15) - 1, 0, 0 }, 8 },  /* truncating */
	{ { (UINT64_C(1) << 15) - 1, 3, 0 }, 16 }, /* TCP: bind, connect */
	{ { (UINT64_C(1) << 16) - 1, 3, 0 }, 16 }, /* ioctl of devices */
	{ { (UINT64_C(1) << 16) - 1, 3, 3 },
	  24 }, /* abstract sockets, signals */
};

#define VERSIONS ((int)(sizeof(versions) / sizeof(versions[0])))

int landlock_abi(void)
{
	long abi =
		syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return abi > 0 ? (int)abi : 0;
}

int landlock_seal(landlock_allowance *allow, const int *dirs,
		  const int *read_dirs)
{
	int abi = landlock_abi();
	int fd, r = 0;

	if (abi == 0)
		return 0;
	if (abi > VERSIONS)
		abi = VERSIONS;
	fd = (int)syscall(SYS_landlock_create_ruleset,
			  &versions[abi - 1].rights, versions[abi - 1].size, 0);
	if (fd < 0)
		return -errno;
	if (allow)
		r = allow(fd, dirs, read_dirs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		r = -errno;
	close(fd);
	return r;
}
