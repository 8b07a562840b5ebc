/* SPDX-License-Identifier: Apache-2.0 */
/* common/counters.c: pages that keep their size, and whose reader only reads.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/stat.h>

#include "common/counters.h"
#include "proto/counters.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static int page_fd;

static int set_up(void **state)
{
	(void)state;
	page_fd = counters_create();
	return page_fd < 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(page_fd);
	return 0;
}

/* A memfd of some size and seals; counters_map() must say what it is. */
static void expect_map(off_t size, int seals, int result)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *page = NULL;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	if (seals)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	assert_int_equal(counters_map(fd, &page), result);
	if (result == 0)
		munmap(page, COUNTERS_PAGE_BYTES);
	else
		assert_null(page);
	close(fd);
}

static void test_page(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(fstat(page_fd, &st), 0);
	assert_int_equal(st.st_size, COUNTERS_PAGE_BYTES);
	assert_int_equal(fcntl(page_fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(page_fd, F_GET_SEALS) & SEALS, SEALS);
}

/* A worker cannot make the reader's mapping fault. */
static void test_size_stays(void **state)
{
	static const off_t sizes[] = { 0, 1, COUNTERS_PAGE_BYTES - 1,
				       COUNTERS_PAGE_BYTES + 1, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_int_equal(ftruncate(page_fd, sizes[i]), -1);
		assert_int_equal(errno, EPERM);
	}
	assert_int_equal(fallocate(page_fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, COUNTERS_PAGE_BYTES),
			 0); /* zeros, and still a page */
	assert_int_equal(fcntl(page_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
}

static void test_shared(void **state)
{
	struct counters_injector *writer;
	const struct counters_injector *reader;
	const void *read_page;
	void *page;

	(void)state;
	assert_int_equal(counters_map(page_fd, &page), 0);
	assert_int_equal(counters_map_readonly(page_fd, &read_page), 0);
	writer = page;
	reader = read_page;
	assert_int_equal(counter_get(&reader->injected), 0);
	counter_add(&writer->injected, 7);
	counter_add(&writer->injected, UINT64_C(1) << 40);
	counter_set(&writer->mtu, 1500);
	assert_int_equal(counter_get(&reader->injected),
			 (UINT64_C(1) << 40) + 7);
	munmap(page, COUNTERS_PAGE_BYTES); /* the worker is dead */
	assert_int_equal(counter_get(&reader->mtu), 1500);
	munmap((void *)(uintptr_t)read_page, COUNTERS_PAGE_BYTES);
}

/* The kernel itself does not get a byte into it: EFAULT. */
static void test_reader_cannot_write(void **state)
{
	const void *page;
	int ends[2];

	(void)state;
	assert_int_equal(counters_map_readonly(page_fd, &page), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(read(ends[0], (void *)(uintptr_t)page, 1), -1);
	assert_int_equal(errno, EFAULT);
	close(ends[0]);
	close(ends[1]);
	munmap((void *)(uintptr_t)page, COUNTERS_PAGE_BYTES);
}

static void test_refused(void **state)
{
	const int sealed = SEALS;
	int null = open("/dev/null", O_RDWR);
	void *page = NULL;

	(void)state;
	expect_map(COUNTERS_PAGE_BYTES, sealed, 0);
	expect_map(0, sealed, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES - 1, sealed, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES + 1, sealed, -EINVAL);
	expect_map(2 * COUNTERS_PAGE_BYTES, sealed, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES, 0, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES, F_SEAL_SHRINK, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES, F_SEAL_SHRINK | F_SEAL_GROW, -EINVAL);
	expect_map(COUNTERS_PAGE_BYTES, sealed | F_SEAL_WRITE, -EPERM);
	assert_int_equal(counters_map(null, &page), -EINVAL);
	close(null);
	assert_int_equal(counters_map(null, &page), -EINVAL);
	assert_null(page);
}

/* Where nobody reads: private memory, a page of its own each time. */
static void test_without_fd(void **state)
{
	void *first, *second;

	(void)state;
	assert_int_equal(counters_map(-1, &first), 0);
	assert_int_equal(counters_map(-1, &second), 0);
	memset(first, 0xff, COUNTERS_PAGE_BYTES);
	assert_int_equal(*(char *)second, 0);
	munmap(first, COUNTERS_PAGE_BYTES);
	munmap(second, COUNTERS_PAGE_BYTES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_page),
		TEST(test_size_stays),
		TEST(test_shared),
		TEST(test_reader_cannot_write),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_without_fd),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
