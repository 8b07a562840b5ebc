/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acts by the injector's ring: everything that a ring could do for whoever has
 * it. The control's ring is the same one without its restrictions.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/attack/attack.h"

int __real_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *ring,
				      struct io_uring_params *params);
int __real_io_uring_register(unsigned int fd, unsigned int opcode,
			     const void *arg, unsigned int n);
int __wrap_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *ring,
				      struct io_uring_params *params);
int __wrap_io_uring_register(unsigned int fd, unsigned int opcode,
			     const void *arg, unsigned int n);

static struct io_uring *ring;
static char outside[4096]; /* not in the registered buffer */

int __wrap_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *new,
				      struct io_uring_params *params)
{
	ring = new;
	return __real_io_uring_queue_init_params(entries, new, params);
}

int __wrap_io_uring_register(unsigned int fd, unsigned int opcode,
			     const void *arg, unsigned int n)
{
	if (opcode == IORING_REGISTER_RESTRICTIONS && !attack_guarded())
		return 0;
	return __real_io_uring_register(fd, opcode, arg, n);
}

/* ---- one submission -------------------------------------------------------
 */

static struct io_uring_sqe *new_sqe(void)
{
	struct io_uring_sqe *sqe = ring ? io_uring_get_sqe(ring) : NULL;

	if (sqe)
		memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

/* What the ring answers: 0 or more as 0, a negative errno. */
static long answer(void)
{
	struct io_uring_cqe *cqe;
	long r = io_uring_submit_and_wait(ring, 1);

	if (r < 0)
		return r;
	r = io_uring_peek_cqe(ring, &cqe);
	if (r < 0)
		return r;
	r = cqe->res < 0 ? cqe->res : 0;
	io_uring_cqe_seen(ring, cqe);
	return r;
}

/* An act of one submission, which the block after it fills in. */
#define RING_ACT(name, ...)                                                    \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		struct io_uring_sqe *sqe = new_sqe();                          \
		(void)fds;                                                     \
		if (!sqe)                                                      \
			return -ENODEV;                                        \
		__VA_ARGS__;                                                   \
		return answer();                                               \
	}

#define FIXED (sqe->flags |= IOSQE_FIXED_FILE)

static struct open_how how = { .flags = O_RDONLY };
static struct sockaddr_un listener = { AF_UNIX, ATTACK_LISTENS };
static const socklen_t listener_len =
	offsetof(struct sockaddr_un, sun_path) + sizeof(ATTACK_LISTENS) - 1;
static struct iovec iov = { outside, 1 };
static struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct statx statx_buf;

/* ---- files ----------------------------------------------------------------
 */

RING_ACT(ring_openat,
	 io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0))
RING_ACT(ring_openat_fixed,
	 io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
	 FIXED)
RING_ACT(ring_openat2,
	 io_uring_prep_openat2(sqe, AT_FDCWD, "/etc/passwd", &how))
RING_ACT(ring_statx,
	 io_uring_prep_statx(sqe, AT_FDCWD, "/etc/passwd", 0, 0, &statx_buf))
RING_ACT(ring_unlinkat, io_uring_prep_unlinkat(sqe, AT_FDCWD, "/", 0))
RING_ACT(ring_mkdirat, io_uring_prep_mkdirat(sqe, AT_FDCWD, "/", 0700))
RING_ACT(ring_close, io_uring_prep_close(sqe, STDIN_FILENO))
RING_ACT(ring_close_queue, io_uring_prep_close_direct(sqe, 0))
RING_ACT(ring_splice,
	 io_uring_prep_splice(sqe, STDIN_FILENO, -1, STDERR_FILENO, -1, 0, 0))
RING_ACT(ring_fallocate, io_uring_prep_fallocate(sqe, fds->memory, 0, 0, 4096))

/* ---- sockets --------------------------------------------------------------
 */

RING_ACT(ring_socket, io_uring_prep_socket(sqe, AF_UNIX, SOCK_STREAM, 0, 0))
RING_ACT(ring_connect,
	 io_uring_prep_connect(sqe, fds->local, (struct sockaddr *)&listener,
			       listener_len))
RING_ACT(ring_connect_fixed,
	 io_uring_prep_connect(sqe, 0, (struct sockaddr *)&listener,
			       listener_len);
	 FIXED)
RING_ACT(ring_send, io_uring_prep_send(sqe, fds->stream, "", 0, MSG_NOSIGNAL))
RING_ACT(ring_sendmsg,
	 io_uring_prep_sendmsg(sqe, fds->stream, &message, MSG_NOSIGNAL))
RING_ACT(ring_recvmsg,
	 io_uring_prep_recvmsg(sqe, fds->stream, &message, MSG_DONTWAIT))
RING_ACT(ring_shutdown, io_uring_prep_shutdown(sqe, fds->stream, SHUT_RD))

/* ---- reading and writing --------------------------------------------------
 */

RING_ACT(ring_read, io_uring_prep_read(sqe, STDIN_FILENO, outside, 1, 0))
RING_ACT(ring_read_queue, io_uring_prep_read(sqe, 0, outside, 1, 0); FIXED)
RING_ACT(ring_write, io_uring_prep_write(sqe, STDERR_FILENO, "", 0, 0))
RING_ACT(ring_write_queue, io_uring_prep_write(sqe, 0, outside, 64, 0); FIXED)
RING_ACT(ring_writev, io_uring_prep_writev(sqe, STDERR_FILENO, &iov, 0, 0))
/* The operation that it has, where it may not. */
RING_ACT(ring_write_fixed_to_fd,
	 io_uring_prep_write_fixed(sqe, STDERR_FILENO, outside, 0, 0, 0))
RING_ACT(ring_write_fixed_to_no_queue,
	 io_uring_prep_write_fixed(sqe, 9, outside, 0, 0, 0);
	 FIXED)
RING_ACT(ring_write_fixed_from_outside,
	 io_uring_prep_write_fixed(sqe, 0, outside, 64, 0, 0);
	 FIXED)
RING_ACT(ring_write_fixed_from_no_buffer,
	 io_uring_prep_write_fixed(sqe, 0, outside, 64, 0, 1);
	 FIXED)

/* ---- the ring itself ------------------------------------------------------
 */

RING_ACT(ring_nop, io_uring_prep_nop(sqe))
RING_ACT(ring_nop_fixed, io_uring_prep_nop(sqe); FIXED)
RING_ACT(ring_linked, io_uring_prep_write_fixed(sqe, 0, outside, 0, 0, 0);
	 FIXED; sqe->flags |= IOSQE_IO_LINK)
RING_ACT(ring_async, io_uring_prep_write_fixed(sqe, 0, outside, 0, 0, 0); FIXED;
	 sqe->flags |= IOSQE_ASYNC)
RING_ACT(ring_drained, io_uring_prep_write_fixed(sqe, 0, outside, 0, 0, 0);
	 FIXED; sqe->flags |= IOSQE_IO_DRAIN)
RING_ACT(ring_files_update, static int none = -1;
	 io_uring_prep_files_update(sqe, &none, 1, 0))
RING_ACT(ring_provide_buffers,
	 io_uring_prep_provide_buffers(sqe, outside, 64, 1, 1, 0))
RING_ACT(ring_message, sqe->opcode = IORING_OP_MSG_RING;
	 sqe->fd = ring->ring_fd)
RING_ACT(ring_command, sqe->opcode = IORING_OP_URING_CMD; sqe->fd = 0; FIXED)

/* Every operation there can be, on the queue and on standard input: 0 where one
 * is let in that is not the one. */
static long ring_every_operation(const struct attack_fds *fds)
{
	(void)fds;
	for (unsigned int i = 0; i < 2 * 256; i++) {
		struct io_uring_sqe *sqe = new_sqe();
		long r;

		if (!sqe)
			return -ENODEV;
		sqe->opcode = (uint8_t)(i / 2);
		sqe->flags = i % 2 ? IOSQE_FIXED_FILE : 0;
		if (i % 2 && i / 2 == IORING_OP_WRITE_FIXED)
			sqe->opcode = IORING_OP_WRITE;
		r = answer();
		/* EINVAL: beyond the last one that this kernel knows. */
		if (r != -EACCES && r != -EINVAL)
			return 0;
	}
	return -EACCES;
}

#define REGISTER(name, opcode, arg, n)                                         \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return ring ? attack_result(syscall(SYS_io_uring_register,     \
						    ring->ring_fd, opcode,     \
						    arg, n))                   \
			    : -ENODEV;                                         \
	}

static int stderr_fd = STDERR_FILENO;
static struct io_uring_files_update update = { .fds = (uintptr_t)&stderr_fd };
static char probe[sizeof(struct io_uring_probe) +
		  256 * sizeof(struct io_uring_probe_op)];

REGISTER(ring_register_files, IORING_REGISTER_FILES_UPDATE, &update, 1)
REGISTER(ring_unregister_buffers, IORING_UNREGISTER_BUFFERS, NULL, 0)
REGISTER(ring_register_probe, IORING_REGISTER_PROBE, probe, 256)
REGISTER(ring_register_personality, IORING_REGISTER_PERSONALITY, NULL, 0)
REGISTER(ring_register_restrictions, IORING_REGISTER_RESTRICTIONS, NULL, 0)

#define ENTER(name, fd, flags, sig, size)                                      \
	static long name(const struct attack_fds *fds)                         \
	{                                                                      \
		(void)fds;                                                     \
		return ring ? attack_result(syscall(SYS_io_uring_enter, fd, 0, \
						    0, flags, sig, size))      \
			    : -ENODEV;                                         \
	}

static uint64_t no_signals;

ENTER(ring_enter_signals, ring->ring_fd, IORING_ENTER_GETEVENTS, &no_signals, 8)
ENTER(ring_enter_wakeup, ring->ring_fd, IORING_ENTER_SQ_WAKEUP, NULL, 0)
ENTER(ring_enter_registered, 0, IORING_ENTER_REGISTERED_RING, NULL, 0)
ENTER(ring_enter_other, STDIN_FILENO, IORING_ENTER_GETEVENTS, NULL, 0)

#define ROW(name)                                                              \
	{                                                                      \
#name, name                                                    \
	}

const struct attack attack_ring[] = {
	ROW(ring_openat),
	ROW(ring_openat_fixed),
	ROW(ring_openat2),
	ROW(ring_statx),
	ROW(ring_unlinkat),
	ROW(ring_mkdirat),
	ROW(ring_close),
	ROW(ring_close_queue),
	ROW(ring_splice),
	ROW(ring_fallocate),
	ROW(ring_socket),
	ROW(ring_connect),
	ROW(ring_connect_fixed),
	ROW(ring_send),
	ROW(ring_sendmsg),
	ROW(ring_recvmsg),
	ROW(ring_shutdown),
	ROW(ring_read),
	ROW(ring_read_queue),
	ROW(ring_write),
	ROW(ring_write_queue),
	ROW(ring_writev),
	ROW(ring_write_fixed_to_fd),
	ROW(ring_write_fixed_to_no_queue),
	ROW(ring_write_fixed_from_outside),
	ROW(ring_write_fixed_from_no_buffer),
	ROW(ring_nop),
	ROW(ring_nop_fixed),
	ROW(ring_linked),
	ROW(ring_async),
	ROW(ring_drained),
	ROW(ring_files_update),
	ROW(ring_provide_buffers),
	ROW(ring_message),
	ROW(ring_command),
	ROW(ring_every_operation),
	ROW(ring_register_files),
	ROW(ring_unregister_buffers),
	ROW(ring_register_probe),
	ROW(ring_register_personality),
	ROW(ring_register_restrictions),
	ROW(ring_enter_signals),
	ROW(ring_enter_wakeup),
	ROW(ring_enter_registered),
	ROW(ring_enter_other),
};
const size_t attack_ring_count = sizeof(attack_ring) / sizeof(attack_ring[0]);
