/* SPDX-License-Identifier: Apache-2.0 */
/* Acts against the feed's other processes. Where they are is found before the
 * seal, with what a taken-over process could not have. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define ACT(name) static long name(const struct attack_fds *fds)
#define UNUSED	  (void)fds

/* How long it may take the other process to be there, in steps of 5 ms. */
#define STEPS 400

static struct attack_sibling sibling = { -1, -1, 0 };

/* A line of /proc/PID/status that begins so, without it. */
static bool status_line(pid_t pid, const char *key, char *ret_text, size_t size)
{
	char path[64], line[256];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = strncmp(line, key, strlen(key)) == 0;
		line[strcspn(line, "\n")] = '\0';
		if (found)
			snprintf(ret_text, size, "%s", line + strlen(key));
	}
	if (file)
		fclose(file);
	return found;
}

static pid_t parent_of(pid_t pid)
{
	char text[64];

	return status_line(pid, "PPid:\t", text, sizeof(text)) ? atoi(text)
							       : -1;
}

/* Of the same feed: the spawner is its workers' parent, and tapfeed's child. */
static bool is_family(pid_t pid)
{
	pid_t above = getppid(), parent = parent_of(pid);
	char text[64] = "";

	if (parent == getpid())
		return true;
	if (!status_line(above, "Name:\t", text, sizeof(text)) ||
	    strcmp(text, "tapfeed-spawner") != 0 || pid == getpid())
		return false;
	return pid == above || parent == above || pid == parent_of(above);
}

static pid_t find(const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = -1;
	char text[64];

	while (proc && found < 0 && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && is_family(pid) &&
		    status_line(pid, "Name:\t", text, sizeof(text)) &&
		    strncmp(text, name, 15) == 0 &&
		    strlen(text) == strnlen(name, 15))
			found = pid;
	}
	if (proc)
		closedir(proc);
	return found;
}

/* The last bytes of its stack: the end of its program's name. */
static uintptr_t find_address(pid_t pid)
{
	unsigned long from, to = 0;
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (strstr(line, "[stack]") &&
		    sscanf(line, "%lx-%lx", &from, &to) != 2)
			to = 0;
	if (file)
		fclose(file);
	return to > 0 ? to - 8 : 0;
}

void attack_find_sibling(void)
{
	const char *name = getenv("TAPFEED_SIBLING");
	bool sealed = getenv("TAPFEED_SIBLING_SEALED");
	char text[64] = "";

	for (int i = 0; name && i < STEPS; i++) {
		sibling.pid = find(name);
		if (sibling.pid > 0 &&
		    (!sealed || (status_line(sibling.pid, "Seccomp:\t", text,
					     sizeof(text)) &&
				 strcmp(text, "2") == 0)))
			break;
		usleep(5000);
	}
	if (!name)
		return;
	sibling.pidfd = (int)syscall(SYS_pidfd_open, sibling.pid, 0);
	sibling.address = find_address(sibling.pid);
	if (sibling.pid < 0 || sibling.pidfd < 0)
		attack_say("sibling %s is not there", name);
}

/* ---- acts -------------------------------------------------------------------
 */

/* SIGCONT does nothing to one that runs. */
ACT(act_sibling_kill)
{
	UNUSED;
	return attack_result(syscall(SYS_kill, sibling.pid, SIGCONT));
}

ACT(act_sibling_tgkill)
{
	UNUSED;
	return attack_result(
		syscall(SYS_tgkill, sibling.pid, sibling.pid, SIGCONT));
}

ACT(act_sibling_sigqueue)
{
	siginfo_t info = { .si_signo = SIGCONT, .si_code = SI_QUEUE };

	UNUSED;
	return attack_result(
		syscall(SYS_rt_sigqueueinfo, sibling.pid, SIGCONT, &info));
}

ACT(act_sibling_ptrace)
{
	UNUSED;
	return attack_result(
		syscall(SYS_ptrace, PTRACE_SEIZE, sibling.pid, 0, 0));
}

static long move_byte(long number, char *byte)
{
	struct iovec ours = { byte, 1 };
	struct iovec theirs = { (void *)sibling.address, 1 };

	return attack_result(
		syscall(number, sibling.pid, &ours, 1, &theirs, 1, 0));
}

ACT(act_sibling_read_memory)
{
	char byte;

	UNUSED;
	return move_byte(SYS_process_vm_readv, &byte);
}

/* The byte that ends the stack's last string. */
ACT(act_sibling_write_memory)
{
	char byte = '\0';

	UNUSED;
	return move_byte(SYS_process_vm_writev, &byte);
}

/* Holding a pidfd already. */
ACT(act_sibling_take_fd)
{
	UNUSED;
	return attack_result(syscall(SYS_pidfd_getfd, sibling.pidfd, 2, 0));
}

ACT(act_sibling_pidfd_signal)
{
	UNUSED;
	return attack_result(syscall(SYS_pidfd_send_signal, sibling.pidfd,
				     SIGCONT, NULL, 0));
}

ACT(act_sibling_prlimit)
{
	struct rlimit limit = { 0 };

	UNUSED;
	return attack_result(
		syscall(SYS_prlimit64, sibling.pid, RLIMIT_CORE, NULL, &limit));
}

ACT(act_sibling_nice)
{
	UNUSED;
	return attack_result(
		syscall(SYS_setpriority, PRIO_PROCESS, sibling.pid, 1));
}

ACT(act_sibling_open_memory)
{
	char path[64];

	UNUSED;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)sibling.pid);
	return attack_result(syscall(SYS_openat, -100, path, 2 /* O_RDWR */));
}

#define ROW(name)                                                              \
	{                                                                      \
#name, act_##name                                              \
	}

const struct attack attack_sibling[] = {
	ROW(sibling_kill),	  ROW(sibling_tgkill),
	ROW(sibling_sigqueue),	  ROW(sibling_ptrace),
	ROW(sibling_read_memory), ROW(sibling_write_memory),
	ROW(sibling_take_fd),	  ROW(sibling_pidfd_signal),
	ROW(sibling_prlimit),	  ROW(sibling_nice),
	ROW(sibling_open_memory),
};
const size_t attack_sibling_count =
	sizeof(attack_sibling) / sizeof(attack_sibling[0]);
