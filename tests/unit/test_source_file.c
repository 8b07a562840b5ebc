/* SPDX-License-Identifier: Apache-2.0 */
/* capture/source_file.c: files and pipes, whole, slow, cut and damaged. */
#include <config.h>

#include "tests/unit/unit.h"

#include <poll.h>
#include <zlib.h>

#include "capture/source_file.h"
#include "common/fd.h"
#include "proto/limits.h"

#define HEADER_BYTES 24
#define RECORD_BYTES 16

struct blob {
	uint8_t *at;
	size_t len;
	size_t size;
};

static void blob_add(struct blob *blob, const void *data, size_t len)
{
	while (blob->len + len > blob->size) {
		blob->size = blob->size ? blob->size * 2 : 65536;
		blob->at = realloc(blob->at, blob->size);
		assert_non_null(blob->at);
	}
	memcpy(blob->at + blob->len, data, len);
	blob->len += len;
}

static void add_header(struct blob *blob)
{
	static const uint32_t words[HEADER_BYTES / 4] = {
		0xa1b23c4d,
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		2 << 16 | 4,
#else
		2 | 4 << 16,
#endif
		0,
		0,
		TAPFEED_FRAME_MAX_BYTES,
		1,
	};

	blob_add(blob, words, sizeof(words));
}

/* Packet number i: its time and its bytes tell which. */
static void add_packet(struct blob *blob, uint32_t i, uint32_t len)
{
	const uint32_t words[RECORD_BYTES / 4] = { i, 7, len, len + 1 };
	uint8_t *data = malloc(len);

	assert_non_null(data);
	memset(data, (int)(i & 0xff), len);
	blob_add(blob, words, sizeof(words));
	blob_add(blob, data, len);
	free(data);
}

/* Packets of all sizes, so that they stand across every edge of a buffer. */
static uint32_t packet_len(uint32_t i)
{
	uint32_t seed = i + 1;
	uint32_t r = pseudo_random(&seed);

	return i % 100 == 0 ? TAPFEED_FRAME_MAX_BYTES - r % 100 : 14 + r % 1500;
}

static void make_capture(struct blob *blob, uint32_t packets)
{
	*blob = (struct blob){ 0 };
	add_header(blob);
	for (uint32_t i = 0; i < packets; i++)
		add_packet(blob, i, packet_len(i));
}

static void compress_blob(const struct blob *plain, struct blob *ret_packed)
{
	z_stream z = { .next_in = plain->at, .avail_in = (uInt)plain->len };
	uint8_t out[65536];
	int r;

	*ret_packed = (struct blob){ 0 };
	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8,
				      Z_DEFAULT_STRATEGY),
			 Z_OK);
	do {
		z.next_out = out;
		z.avail_out = sizeof(out);
		r = deflate(&z, Z_FINISH);
		blob_add(ret_packed, out, sizeof(out) - z.avail_out);
	} while (r == Z_OK);
	assert_int_equal(r, Z_STREAM_END);
	deflateEnd(&z);
}

static int open_file(const void *data, size_t len)
{
	int fd = memfd_create("source", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, 0), len);
	return fd;
}

static struct source *new_source(int fd)
{
	struct source *source = NULL;

	assert_int_equal(source_file_new(fd, &source), 0);
	assert_int_equal(source_fd(source), fd);
	return source;
}

static struct source *new_file(const void *data, size_t len)
{
	return new_source(open_file(data, len));
}

/* A pipe that holds data already, and is ended or not. */
static struct source *new_pipe(const void *data, size_t len, int *ret_write_end)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], data, len), len);
	*ret_write_end = fds[1];
	return new_source(fds[0]);
}

static void check_packet(const struct packet *packet, uint32_t i)
{
	uint32_t len = packet_len(i);

	assert_int_equal(packet->captured_len, len);
	assert_int_equal(packet->data_len, len);
	assert_int_equal(packet->original_len, len + 1);
	assert_int_equal(packet->link_type, 1);
	assert_int_equal(packet->time_ns, i * UINT64_C(1000000000) + 7);
	assert_int_equal(packet->data[0], i & 0xff);
	assert_int_equal(packet->data[len - 1], i & 0xff);
}

/*
 * Reads to the end or an error; which it was. Compressed input that has no
 * output yet makes it say "wait" where it need not: a few times at most.
 */
static int read_all(struct source *source, uint32_t *ret_packets)
{
	struct packet packet;
	int waits = 0;
	int r;

	*ret_packets = 0;
	do {
		r = source_next(source, &packet);
		if (r == SOURCE_PACKET)
			check_packet(&packet, (*ret_packets)++);
		waits += r == SOURCE_WAIT;
	} while (r == SOURCE_PACKET || (r == SOURCE_WAIT && waits < 4));
	return r;
}

static void test_file(void **state)
{
	struct blob plain, packed;
	const struct blob *const rows[] = { &plain, &packed };

	(void)state;
	make_capture(&plain, 1000);
	compress_blob(&plain, &packed);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source *source = new_file(rows[i]->at, rows[i]->len);
		uint32_t packets;

		assert_true(source_file_is_regular(source));
		assert_int_equal(source_bytes(source), 0);
		assert_int_equal(read_all(source, &packets), SOURCE_END);
		assert_int_equal(packets, 1000);
		assert_int_equal(source_bytes(source), rows[i]->len);
		/* The end stays the end. */
		assert_int_equal(read_all(source, &packets), SOURCE_END);
		assert_int_equal(packets, 0);
		source_free(source);
	}
	free(plain.at);
	free(packed.at);
}

/* Again and again, from the end, from the middle and after damage. */
static void test_rewind(void **state)
{
	struct blob plain, packed;
	const struct blob *const rows[] = { &plain, &packed };

	(void)state;
	make_capture(&plain, 300);
	compress_blob(&plain, &packed);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct source *source = new_file(rows[i]->at, rows[i]->len);

		for (uint32_t stop = 0; stop <= 300; stop += 30) {
			struct packet packet;
			uint32_t packets;

			for (uint32_t j = 0; j < stop; j++) {
				assert_int_equal(source_next(source, &packet),
						 SOURCE_PACKET);
				check_packet(&packet, j);
			}
			assert_int_equal(source_rewind(source), 0);
			assert_int_equal(source_bytes(source), 0);
			assert_int_equal(read_all(source, &packets),
					 SOURCE_END);
			assert_int_equal(packets, 300);
			assert_int_equal(source_rewind(source), 0);
		}
		source_free(source);
	}
	free(plain.at);
	free(packed.at);
}

static void test_rewind_after_damage(void **state)
{
	struct source *source;
	struct blob blob;
	uint32_t packets;
	int fd;

	(void)state;
	make_capture(&blob, 50);
	source = new_file(blob.at, blob.len);
	fd = source_fd(source);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, HEADER_BYTES + 8),
			 4);
	assert_int_equal(read_all(source, &packets), -EBADMSG);
	assert_int_equal(packets, 0);
	assert_int_equal(pwrite(fd, blob.at, blob.len, 0), blob.len);
	assert_int_equal(source_rewind(source), 0);
	assert_int_equal(read_all(source, &packets), SOURCE_END);
	assert_int_equal(packets, 50);
	source_free(source);
	free(blob.at);
}

/*
 * Bytes come one by one, and the source says that it waits instead of sleeping.
 * Where prompt, each packet is there with its last byte.
 */
static void trickle(const struct blob *blob, uint32_t total, bool prompt)
{
	size_t next = HEADER_BYTES + RECORD_BYTES + packet_len(1);
	struct packet packet;
	struct source *source;
	uint32_t packets = 0;
	uint32_t whole = 0;
	int end;

	source = new_pipe("", 0, &end);
	for (size_t i = 0; i < blob->len; i++) {
		int r;

		assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
		assert_int_equal(write(end, blob->at + i, 1), 1);
		while ((r = source_next(source, &packet)) == SOURCE_PACKET)
			check_packet(&packet, ++packets);
		assert_int_equal(r, SOURCE_WAIT);
		if (i + 1 == next)
			next += RECORD_BYTES + packet_len(++whole + 1);
		if (prompt)
			assert_int_equal(packets, whole);
	}
	close(end);
	assert_int_equal(packets, total);
	assert_int_equal(source_next(source, &packet), SOURCE_END);
	source_free(source);
}

static void test_trickle(void **state)
{
	struct blob plain = { 0 }, packed;

	(void)state;
	add_header(&plain);
	for (uint32_t i = 1; i <= 20; i++)
		add_packet(&plain, i, packet_len(i));
	compress_blob(&plain, &packed);
	trickle(&plain, 20, true);
	trickle(&packed, 20, false);
	free(plain.at);
	free(packed.at);
}

/* Written by a child in pieces of all sizes, faster than a pipe holds. */
static void stream(const struct blob *blob, uint32_t total)
{
	struct packet packet;
	struct source *source;
	uint32_t packets = 0;
	int fds[2], status, r;
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		uint32_t seed = 9;
		size_t done = 0;

		close(fds[0]);
		while (done < blob->len) {
			size_t len = pseudo_random(&seed) % 100000;
			ssize_t n;

			if (len > blob->len - done)
				len = blob->len - done;
			n = write(fds[1], blob->at + done, len);
			if (n < 0)
				_exit(1);
			done += (size_t)n;
		}
		_exit(0);
	}
	close(fds[1]);
	source = new_source(fds[0]);
	while ((r = source_next(source, &packet)) != SOURCE_END) {
		struct pollfd fd = { .fd = source_fd(source),
				     .events = POLLIN };

		assert_true(r == SOURCE_PACKET || r == SOURCE_WAIT);
		if (r == SOURCE_PACKET)
			check_packet(&packet, packets++);
		else
			assert_int_equal(poll(&fd, 1, CHILD_SECONDS * 1000), 1);
	}
	assert_int_equal(packets, total);
	assert_int_equal(source_bytes(source), blob->len);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	source_free(source);
}

static void test_stream(void **state)
{
	struct blob plain, packed;

	(void)state;
	make_capture(&plain, 1000);
	compress_blob(&plain, &packed);
	stream(&plain, 1000);
	stream(&packed, 1000);
	free(plain.at);
	free(packed.at);
}

/*
 * All that a pipe held comes without a wait between, also what was read from it
 * and not yet taken out of the compression: else it would be waited for in
 * vain.
 */
static void test_pending(void **state)
{
	struct blob plain = { 0 }, packed;
	struct packet packet;
	struct source *source;
	int end;

	(void)state;
	add_header(&plain);
	for (uint32_t i = 0; i < 20; i++)
		add_packet(&plain, i * 100, packet_len(i * 100));
	compress_blob(&plain, &packed);
	assert_true(packed.len < 60000 && plain.len > 20 * 262000);
	source = new_pipe(packed.at, packed.len, &end);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(source_next(source, &packet), SOURCE_PACKET);
		check_packet(&packet, i * 100);
	}
	assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
	close(end);
	assert_int_equal(source_next(source, &packet), SOURCE_END);
	source_free(source);
	free(plain.at);
	free(packed.at);
}

/* Zeros behind the gzip data, without end: there is always a way out. */
static void test_padding(void **state)
{
	static const uint8_t zeros[32768];
	struct blob plain = { 0 }, packed;
	struct packet packet;
	struct source *source;
	int end;

	(void)state;
	add_header(&plain);
	add_packet(&plain, 1, packet_len(1));
	compress_blob(&plain, &packed);
	source = new_pipe(packed.at, packed.len, &end);
	assert_int_equal(source_next(source, &packet), SOURCE_PACKET);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(write(end, zeros, sizeof(zeros)),
				 sizeof(zeros));
		assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
	}
	assert_true(source_bytes(source) > 199 * sizeof(zeros));
	close(end);
	/* What is still in the pipe is read first. */
	for (int i = 0; i < 10; i++)
		if (source_next(source, &packet) == SOURCE_END)
			break;
	assert_int_equal(source_next(source, &packet), SOURCE_END);
	source_free(source);
	free(plain.at);
	free(packed.at);
}

/* It never ends, and packets there are none: it does not spin inside. */
static void test_endless_zeros(void **state)
{
	struct blob plain = { 0 }, packed;
	struct packet packet;
	struct source *source;
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(zero >= 0);
	source = new_source(zero);
	assert_false(source_file_is_regular(source));
	assert_int_equal(source_next(source, &packet), -ENOTSUP);
	source_free(source);
	/* The padding of a regular file, more than is read at once. */
	add_header(&plain);
	compress_blob(&plain, &packed);
	source = new_file(packed.at, packed.len);
	assert_int_equal(ftruncate(source_fd(source), 64 << 20), 0);
	for (int i = 0; i < 4096; i++)
		if (source_next(source, &packet) != SOURCE_WAIT)
			break;
	assert_int_equal(source_next(source, &packet), SOURCE_END);
	source_free(source);
	free(plain.at);
	free(packed.at);
}

/* One file as read_all() finds it, and what is said of it. */
static void explain(const void *data, size_t len, int error, uint32_t packets,
		    const char *text)
{
	for (int pipes = 0; pipes < 2; pipes++) {
		struct source *source;
		char shown[256];
		uint32_t got;
		int end = -1;

		source =
			pipes ? new_pipe(data, len, &end) : new_file(data, len);
		fd_close(&end);
		assert_int_equal(read_all(source, &got), error);
		assert_int_equal(got, packets);
		source_explain(source, error, shown, sizeof(shown));
		if (!strstr(shown, text))
			fail_msg("\"%s\", not \"%s\"", shown, text);
		assert_int_equal(count_char(shown, '\n'), 0);
		/* Cut, never beyond the end. */
		memset(shown, 'x', sizeof(shown));
		source_explain(source, error, shown, 8);
		assert_true(strlen(shown) < 8);
		assert_int_equal(shown[8], 'x');
		source_free(source);
	}
}

static void test_explain_plain(void **state)
{
	struct blob blob = { 0 };

	(void)state;
	explain("", 0, -ENODATA, 0, "empty, so not a capture file");
	explain("x", 1, -ENOTSUP, 0, "not a capture file: ");
	explain("hello, this is no capture file at all", 37, -ENOTSUP, 0,
		"not a capture file: ");
	add_header(&blob);
	explain(blob.at, HEADER_BYTES, SOURCE_END, 0, "");
	explain(blob.at, HEADER_BYTES - 1, -EBADMSG, 0, "header");
	add_packet(&blob, 0, packet_len(0) % 100 + 20);
	explain(blob.at, HEADER_BYTES + 1, -EBADMSG, 0, "packet 1 at byte 24");
	explain(blob.at, blob.len - 1, -EBADMSG, 0, "packet 1 at byte 24");
	memset(blob.at + HEADER_BYTES + 8, 0xff, 4);
	explain(blob.at, blob.len, -EBADMSG, 0, "packet 1 at byte 24");
	free(blob.at);
}

static void test_explain_compressed(void **state)
{
	struct blob plain = { 0 }, packed, text = { 0 }, packed_text;

	(void)state;
	blob_add(&text, "hello, this is no capture file at all", 37);
	compress_blob(&text, &packed_text);
	explain(packed_text.at, packed_text.len, -ENOTSUP, 0,
		"not a capture file inside its gzip: ");
	text.len = 0;
	packed_text.len = 0;
	free(packed_text.at);
	compress_blob(&text, &packed_text);
	explain(packed_text.at, packed_text.len, -ENODATA, 0, "empty");

	make_capture(&plain, 1);
	compress_blob(&plain, &packed);
	explain(packed.at, 5, -ENODATA, 0, "the gzip data is cut short");
	explain(packed.at, packed.len / 2, -ENODATA, 0, "cut short");
	explain(packed.at, packed.len - 1, -ENODATA, 1, "cut short");
	packed.at[packed.len - 1] ^= 1;
	explain(packed.at, packed.len, -EBADMSG, 1, "the gzip data is damaged");
	free(plain.at);
	free(packed.at);
	free(text.at);
	free(packed_text.at);
}

static void test_explain_errors(void **state)
{
	struct source *source;
	struct packet packet;
	char text[128];
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	source = new_source(dir);
	assert_int_equal(source_next(source, &packet), -EISDIR);
	source_explain(source, -EISDIR, text, sizeof(text));
	assert_string_equal(text, "reading it failed: Is a directory (EISDIR)");
	source_free(source);
}

/* A source that is no descriptor is refused, and nothing is kept. */
static void test_no_fd(void **state)
{
	struct source *source = NULL;
	size_t before = open_fds();
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	close(fd);
	assert_int_equal(source_file_new(fd, &source), -EBADF);
	assert_null(source);
	source_free(NULL);
	assert_int_equal(open_fds(), before);
}

/* The descriptor may be shared with the caller's shell: it stays as it is. */
static void test_pipe(void **state)
{
	struct packet packet;
	struct source *source;
	int end, flags;

	(void)state;
	source = new_pipe("", 0, &end);
	flags = fcntl(source_fd(source), F_GETFL);
	assert_int_equal(source_next(source, &packet), SOURCE_WAIT);
	assert_int_equal(fcntl(source_fd(source), F_GETFL), flags);
	assert_false(flags & O_NONBLOCK);
	assert_false(source_file_is_regular(source));
	assert_int_equal(source_rewind(source), -ESPIPE);
	source_free(source);
	close(end);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_rewind),
		cmocka_unit_test(test_rewind_after_damage),
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_endless_zeros),
		cmocka_unit_test(test_explain_plain),
		cmocka_unit_test(test_explain_compressed),
		cmocka_unit_test(test_explain_errors),
		cmocka_unit_test(test_no_fd),
		cmocka_unit_test(test_pipe),
	};

	/* A read that sleeps ends the run instead of holding it up. */
	alarm(2 * CHILD_SECONDS);
	return cmocka_run_group_tests_name("source_file", tests, NULL, NULL);
}
