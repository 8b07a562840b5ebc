/* SPDX-License-Identifier: Apache-2.0 */
/* Counters pages: shared memory of fixed size. */
#include <config.h>

#include "common/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/counters.h"

#define SIZE_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

int counters_create(void)
{
	int fd = memfd_create("tapfeed-counters",
			      MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, COUNTERS_PAGE_BYTES) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SIZE_SEALS) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

static int map(int fd, int protection, int flags, void **ret_page)
{
	void *page = mmap(NULL, COUNTERS_PAGE_BYTES, protection, flags, fd, 0);

	if (page == MAP_FAILED)
		return -errno;
	*ret_page = page;
	return 0;
}

int counters_map(int fd, void **ret_page)
{
	const int protection = PROT_READ | PROT_WRITE;
	struct stat st;

	if (fd < 0)
		return map(-1, protection, MAP_PRIVATE | MAP_ANONYMOUS,
			   ret_page);
	if (fstat(fd, &st) < 0 || st.st_size != COUNTERS_PAGE_BYTES ||
	    (fcntl(fd, F_GET_SEALS) & SIZE_SEALS) != SIZE_SEALS)
		return -EINVAL;
	return map(fd, protection, MAP_SHARED, ret_page);
}

int counters_map_readonly(int fd, const void **ret_page)
{
	void *page;
	int r = map(fd, PROT_READ, MAP_SHARED, &page);

	if (r == 0)
		*ret_page = page;
	return r;
}
