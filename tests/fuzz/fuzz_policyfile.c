/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the policy file. What is taken holds to its grammar's limits, and is
 * held against what no file may say: a byte that has no place, a last line
 * without its end, an interface "%d" that is covered in part.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/ifname.h"
#include "common/policyfile.h"

static const struct policyfile_subject subject = {
	.uid = 1000,
	.group_count = 2,
	.groups = { 1000, 0 },
};

static void check_grant(const struct policyfile_grant *grant)
{
	size_t len = strnlen(grant->name, sizeof(grant->name));
	char plain[TAPFEED_IFNAME_SIZE] = "";

	assert(len > 0 && len < sizeof(grant->name));
	memcpy(plain, grant->name, len - (grant->name[len - 1] == '*'));
	assert(ifname_valid(plain) || strcmp(grant->name, "*") == 0);
	assert(grant->kinds > 0 &&
	       !(grant->kinds & ~(1u << TAPFEED_TAP | 1u << TAPFEED_TUN)));
	assert(grant->mtu_min >= TAPFEED_MTU_MIN &&
	       grant->mtu_min <= grant->mtu_max &&
	       grant->mtu_max <= TAPFEED_MTU_MAX);
	assert(grant->queues_max >= 1 && grant->queues_max <= 256);
	assert(grant->capture
		       ? !grant->mac && !grant->host_visible && !grant->trust
		       : !grant->promiscuous);
}

/* Who may have the kernel number an interface may have each number. */
static void check_numbered(const struct policyfile *policy)
{
	struct privileged_request asked = {
		.name = "tf%d",
		.kind = TAPFEED_TAP,
		.mtu = 1500,
		.queues = 1,
	};

	if (!policyfile_may_create(policy, &asked))
		return;
	strcpy(asked.name, "tf0");
	assert(policyfile_may_create(policy, &asked));
	strcpy(asked.name, "tf17");
	assert(policyfile_may_create(policy, &asked));
}

static void check_taken(const struct policyfile *policy, const uint8_t *data,
			size_t size)
{
	assert(size <= 64 * 1024);
	assert(size == 0 || data[size - 1] == '\n');
	for (size_t i = 0; i < size; i++)
		assert(data[i] == '\t' || data[i] == '\n' ||
		       (data[i] >= ' ' && data[i] <= '~'));
	assert(policy->count <= POLICYFILE_GRANTS_MAX);
	for (size_t i = 0; i < policy->count; i++)
		check_grant(&policy->grants[i]);
	check_numbered(policy);
	assert(!policyfile_may_capture(policy, "eth0", true) ||
	       policyfile_may_capture(policy, "eth0", false));
}

static unsigned int lines_of(const uint8_t *data, size_t size)
{
	unsigned int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct policyfile policy;
	struct policyfile_fault fault = { 0 };
	int r;

	if (fd < 0)
		fd = memfd_create("policy", MFD_CLOEXEC);
	assert(fd >= 0 && ftruncate(fd, 0) == 0);
	assert(pwrite(fd, data, size, 0) == (ssize_t)size);
	assert(lseek(fd, 0, SEEK_SET) == 0);
	r = policyfile_parse(fd, &subject, &policy, &fault);
	if (r == 0) {
		check_taken(&policy, data, size);
		return 0;
	}
	assert(r == -EINVAL && fault.what && *fault.what);
	assert(fault.line <= lines_of(data, size));
	assert(fault.line > 0 || size > 64 * 1024);
	return 0;
}
