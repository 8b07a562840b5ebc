/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of system calls against the programs that libseccomp makes of
 * them: each is exported and interpreted here, and has to say the same as a
 * plain reading of its rows, for every call and for arguments at and beside the
 * rows' values.
 */
#include <config.h>

#include "tests/unit/unit.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "capture/policy.h"
#include "injector/policy.h"
#include "launcher/policy.h"
#include "privileged/policy.h"

#define CALLS_MAX   700
#define RANDOM_RUNS 300000
#define PROGRAM_MAX 4096

#if defined(__x86_64__)
#define ARCH	   AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH	   AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif

#ifdef TAPFEED_TRACE_FILTER
#define REFUSED SECCOMP_RET_LOG
#else
#define REFUSED SECCOMP_RET_KILL_PROCESS
#endif

/* Descriptors of the classes, as far as a process has them. */
static const int one[] = { 7 }, two[] = { 8, 9 }, none[] = { -1 };
static const struct sandbox_fds classes[8] = {
	{ one, 1 }, { two, 2 },	 { none, 1 }, { two, 2 },
	{ one, 1 }, { none, 1 }, { two, 2 },  { one, 1 },
};

static struct sandbox_policy get_capture(void)
{
	return policy_capture(classes, 1);
}

static struct sandbox_policy get_injector(void)
{
	return policy_injector(classes, 4096);
}

static struct sandbox_policy get_launcher(void)
{
	return policy_launcher(classes, none);
}

static struct sandbox_policy get_privileged(void)
{
	static const int peer = 3, tun[] = { 4, 6, 7 }, netlink = 5;
	static const struct sandbox_fds fds[POLICY_PRIVILEGED_FDS] = {
		[POLICY_PRIVILEGED_PEER] = { &peer, 1 },
		[POLICY_PRIVILEGED_TUN] = { tun, COUNT(tun) },
		[POLICY_PRIVILEGED_NETLINK] = { &netlink, 1 },
		[POLICY_PRIVILEGED_AUDIT] = { none, 1 },
	};

	return policy_privileged(fds);
}

static const struct {
	const char *name;
	struct sandbox_policy (*get)(void);
} policies[4] = {
	{ "capture", get_capture },
	{ "injector", get_injector },
	{ "launcher", get_launcher },
	{ "privileged", get_privileged },
};

/* ---- the program ------------------------------------------------------------
 */

struct program {
	struct sock_filter code[PROGRAM_MAX];
	size_t count;
};

static void export_program(const struct sandbox_policy *policy,
			   struct program *program)
{
	scmp_filter_ctx filter = sandbox_filter(policy);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	assert_non_null(filter);
	assert_true(fd >= 0);
	assert_int_equal(seccomp_export_bpf(filter, fd), 0);
	n = pread(fd, program->code, sizeof(program->code), 0);
	assert_true(n > 0 && (size_t)n < sizeof(program->code));
	program->count = (size_t)n / sizeof(program->code[0]);
	close(fd);
	seccomp_release(filter);
}

/* seccomp(2)'s subset of classic BPF. */
static uint32_t run_program(const struct program *program,
			    const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < program->count; at++) {
		const struct sock_filter *op = &program->code[at];
		bool jump = false;

		switch (op->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			assert_true(op->k <= sizeof(*data) - sizeof(a));
			memcpy(&a, (const char *)data + op->k, sizeof(a));
			continue;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= op->k;
			continue;
		case BPF_RET | BPF_K:
			return op->k;
		case BPF_JMP | BPF_JA:
			at += op->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			jump = a == op->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			jump = a >= op->k;
			break;
		case BPF_JMP | BPF_JGT | BPF_K:
			jump = a > op->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			jump = (a & op->k) != 0;
			break;
		default:
			fail_msg("operation %#x", op->code);
		}
		at += jump ? op->jt : op->jf;
	}
	fail_msg("it ran off its end");
	return 0;
}

/* Whose descriptors the classes are. */
static const struct sandbox_policy *checked;

/* ---- the table, read plainly
 * -------------------------------------------------- */

/* fd: what stands for the class. */
static bool arg_fits(const struct sandbox_arg *arg, uint64_t value, int fd)
{
	if (arg->is_fd)
		return (uint32_t)value == (uint32_t)fd;
	return (value & arg->mask) == arg->value;
}

static bool args_fit(const struct sandbox_row *row,
		     const struct seccomp_data *data, int fd)
{
	for (unsigned int i = 0; i < row->arg_count; i++)
		if (!arg_fits(&row->args[i], data->args[row->args[i].index],
			      fd))
			return false;
	return true;
}

/* A row stands for each descriptor of its class, for the same in all its
 * arguments. */
static bool row_fits(const struct sandbox_row *row,
		     const struct seccomp_data *data)
{
	const struct sandbox_fds *fds = NULL;

	/* Below 0: calls of other architectures. */
	if (row->call < 0 || row->call != data->nr)
		return false;
	for (unsigned int i = 0; i < row->arg_count; i++)
		if (row->args[i].is_fd)
			fds = &checked->fds[row->args[i].value];
	if (!fds)
		return args_fit(row, data, -1);
	for (size_t i = 0; i < fds->count; i++)
		if (fds->fds[i] >= 0 && args_fit(row, data, fds->fds[i]))
			return true;
	return false;
}

static const struct sandbox_row *row_at(const struct sandbox_policy *policy,
					size_t i)
{
	return i < policy->row_count
		       ? &policy->rows[i]
		       : &policy->more_rows[i - policy->row_count];
}

static size_t rows_of(const struct sandbox_policy *policy)
{
	return policy->row_count + policy->more_row_count;
}

/* What the rows say; several may fit: whichever lets it. */
static uint32_t read_table(const struct sandbox_policy *policy,
			   const struct seccomp_data *data)
{
	uint32_t verdict = REFUSED;

	for (size_t i = 0; i < rows_of(policy); i++) {
		const struct sandbox_row *row = row_at(policy, i);

		if (!row_fits(row, data))
			continue;
		if (row->error == 0)
			return SECCOMP_RET_ALLOW;
		verdict = SECCOMP_RET_ERRNO | (uint32_t)row->error;
	}
	return verdict;
}

/* ---- tests ------------------------------------------------------------------
 */

static uint64_t random_value(const struct sandbox_row *row, unsigned int index)
{
	static const uint64_t odd[] = {
		0,
		1,
		2,
		7,
		8,
		9,
		UINT32_MAX,
		UINT64_MAX,
		1ull << 32,
		1ull << 63,
		0x8000000000000007ull,
	};
	uint64_t value = odd[(size_t)rand() % (sizeof(odd) / sizeof(odd[0]))];

	for (unsigned int i = 0; i < row->arg_count; i++) {
		const struct sandbox_arg *arg = &row->args[i];

		if (arg->index != index || rand() % 3 == 0)
			continue;
		value = arg->is_fd ? 3 + (uint64_t)rand() % 8 : arg->value;
		if (rand() % 2) /* what the mask leaves out may be anything */
			value |= ~arg->mask & ((uint64_t)rand() << 16);
		if (rand() % 4 == 0) /* beside it */
			value ^= 1ull << (rand() % 64);
	}
	return value;
}

static void test_every_call(void **state)
{
	static struct program program;

	(void)state;
	for (size_t p = 0; p < 4; p++) {
		const struct sandbox_policy policy = policies[p].get();

		checked = &policy;
		export_program(&policy, &program);
		for (int nr = -1; nr < CALLS_MAX; nr++) {
			struct seccomp_data data = { .nr = nr, .arch = ARCH };

			if (run_program(&program, &data) !=
			    read_table(&policy, &data))
				fail_msg("%s: call %d", policies[p].name, nr);
		}
	}
}

static void test_arguments(void **state)
{
	static struct program program;

	(void)state;
	srand(1);
	for (size_t p = 0; p < 4; p++) {
		const struct sandbox_policy policy = policies[p].get();

		checked = &policy;
		export_program(&policy, &program);
		for (int i = 0; i < RANDOM_RUNS; i++) {
			const struct sandbox_row *row =
				row_at(&policy,
				       (size_t)rand() % rows_of(&policy));
			struct seccomp_data data = {
				.nr = row->call,
				.arch = ARCH,
			};

			for (unsigned int arg = 0; arg < 6; arg++)
				data.args[arg] = random_value(row, arg);
			if (run_program(&program, &data) !=
			    read_table(&policy, &data))
				fail_msg("%s: call %d (%s)", policies[p].name,
					 row->call, row->reason);
		}
	}
}

/* No call that a row allows, by another way into the kernel. */
static void test_other_architectures(void **state)
{
	static struct program program;

	(void)state;
	for (size_t p = 0; p < 4; p++) {
		const struct sandbox_policy policy = policies[p].get();

		checked = &policy;
		export_program(&policy, &program);
		for (int nr = 0; nr < CALLS_MAX; nr++) {
			struct seccomp_data data = { .nr = nr,
						     .arch = OTHER_ARCH };

			assert_int_equal(run_program(&program, &data),
					 SECCOMP_RET_KILL_PROCESS);
#ifdef __x86_64__
			data = (struct seccomp_data){ .nr = nr | 0x40000000,
						      .arch = ARCH };
			assert_int_equal(run_program(&program, &data),
					 SECCOMP_RET_KILL_PROCESS);
#endif
		}
	}
}

/* The rules of the rules: a reason each, sound arguments. */
static void test_rows(void **state)
{
	(void)state;
	for (size_t p = 0; p < 4; p++) {
		const struct sandbox_policy policy = policies[p].get();

		for (size_t i = 0; i < rows_of(&policy); i++) {
			const struct sandbox_row *row = row_at(&policy, i);

			assert_true(row->reason && *row->reason);
			assert_true(row->arg_count <= SANDBOX_ARGS_MAX);
			for (unsigned int a = 0; a < row->arg_count; a++) {
				const struct sandbox_arg *arg = &row->args[a];

				assert_true(arg->index < 6);
				if (arg->is_fd)
					assert_true(arg->value <
						    policy.fd_classes);
				else
					assert_int_equal(
						arg->value & ~arg->mask, 0);
			}
		}
	}
}

/* What no working process may have in any form. */
__attribute__((unused)) static void test_never(void **state)
{
	static const int never[] = {
		SCMP_SYS(execve),
		SCMP_SYS(execveat),
		SCMP_SYS(fork),
		SCMP_SYS(vfork),
		SCMP_SYS(clone),
		SCMP_SYS(clone3),
		SCMP_SYS(open),
		SCMP_SYS(openat),
		SCMP_SYS(openat2),
		SCMP_SYS(creat),
		SCMP_SYS(socket),
		SCMP_SYS(connect),
		SCMP_SYS(bind),
		SCMP_SYS(listen),
		SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv),
		SCMP_SYS(process_vm_writev),
		SCMP_SYS(kill),
		SCMP_SYS(tkill),
		SCMP_SYS(tgkill),
		SCMP_SYS(setuid),
		SCMP_SYS(setresuid),
		SCMP_SYS(setgid),
		SCMP_SYS(setgroups),
		SCMP_SYS(capset),
		SCMP_SYS(mount),
		SCMP_SYS(unshare),
		SCMP_SYS(setns),
		SCMP_SYS(chroot),
		SCMP_SYS(bpf),
		SCMP_SYS(keyctl),
		SCMP_SYS(io_uring_setup),
		SCMP_SYS(io_uring_register),
		SCMP_SYS(userfaultfd),
		SCMP_SYS(seccomp),
		SCMP_SYS(prctl),
		SCMP_SYS(pidfd_getfd),
		SCMP_SYS(pidfd_open),
		SCMP_SYS(memfd_create),
		SCMP_SYS(dup),
		SCMP_SYS(dup2),
		SCMP_SYS(dup3),
	};

	(void)state;
	for (size_t p = 0; p < 4; p++) {
		const struct sandbox_policy policy = policies[p].get();

		for (size_t i = 0; i < rows_of(&policy); i++)
			for (size_t n = 0; n < sizeof(never) / sizeof(never[0]);
			     n++)
				if (row_at(&policy, i)->call == never[n] &&
				    row_at(&policy, i)->error == 0)
					fail_msg("%s: %s", policies[p].name,
						 row_at(&policy, i)->reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_other_architectures),
		cmocka_unit_test(test_rows),
#ifndef TAPFEED_SANITIZE /* it lets some in */
		cmocka_unit_test(test_never),
#endif
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
