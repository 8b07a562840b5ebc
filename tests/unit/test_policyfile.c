/* SPDX-License-Identifier: Apache-2.0 */
/* The policy file: each rule of its grammar, and what a grant covers. */
#include <config.h>

#include "unit.h"

#include <grp.h>
#include <pwd.h>

#include "common/policyfile.h"

#define UID 12345

static struct policyfile_subject subject = {
	.uid = UID,
	.group_count = 3,
	.groups = { 100, 0, 4000 },
};

static int parse_bytes(const char *text, size_t len, struct policyfile *policy,
		       struct policyfile_fault *fault)
{
	int fd = memfd_create("policy", MFD_CLOEXEC);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	r = policyfile_parse(fd, &subject, policy, fault);
	close(fd);
	return r;
}

static void parse(const char *text, struct policyfile *policy)
{
	struct policyfile_fault fault = { 0, "none" };
	int r = parse_bytes(text, strlen(text), policy, &fault);

	if (r != 0)
		fail_msg("%s: %d, line %u: %s", text, r, fault.line,
			 fault.what);
}

/* Some of it must fail in line, for a reason in which word stands. */
static void refuse(const char *text, size_t len, unsigned int line,
		   const char *word)
{
	struct policyfile policy = { .count = 77 };
	struct policyfile_fault fault = { 0 };
	int r = parse_bytes(text, len, &policy, &fault);

	if (r != -EINVAL || fault.line != line || !strstr(fault.what, word))
		fail_msg("\"%.60s\": %d, line %u: %s", text, r, fault.line,
			 fault.what ? fault.what : "-");
	assert_int_equal(policy.count, 77);
}

static void test_defaults(void **state)
{
	struct policyfile policy;

	(void)state;
	parse("create any=yes name=tf*\ncapture any=yes interface=eth0\n",
	      &policy);
	assert_int_equal(policy.count, 2);
	assert_false(policy.grants[0].capture);
	assert_string_equal(policy.grants[0].name, "tf*");
	assert_int_equal(policy.grants[0].kinds,
			 1u << TAPFEED_TAP | 1u << TAPFEED_TUN);
	assert_int_equal(policy.grants[0].mtu_min, TAPFEED_MTU_MIN);
	assert_int_equal(policy.grants[0].mtu_max, TAPFEED_MTU_MAX);
	assert_int_equal(policy.grants[0].queues_max, 1);
	assert_false(policy.grants[0].mac);
	assert_false(policy.grants[0].host_visible);
	assert_false(policy.grants[0].trust);
	assert_true(policy.grants[1].capture);
	assert_string_equal(policy.grants[1].name, "eth0");
	assert_false(policy.grants[1].promiscuous);
}

/* Lines that are well-formed, and the grants they make for the subject. */
static void test_taken(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{ "", 0 },
		{ "\n\n", 0 },
		{ " \t \n", 0 },
		{ "# all of it\n", 0 },
		{ "#create any=yes name=x\n", 0 },
		{ "create any=yes name=x # why\n", 1 },
		{ "create any=yes name=x# why\n", 1 },
		{ " \tcreate  any=yes\t\tname=x \t\n", 1 },
		{ "create any=yes name=x,y,z*\n", 3 },
		{ "create any=yes name=*\n", 1 },
		{ "create any=yes name=abcdefghijklmno\n", 1 },
		{ "create any=yes name=abcdefghijklmn*\n", 1 },
		{ "create any=yes kind=tap name=x\n", 1 },
		{ "create any=yes name=x kind=tun\n", 1 },
		{ "create any=yes name=x kind=tap,tun\n", 1 },
		{ "create any=yes name=x mtu=68\n", 1 },
		{ "create any=yes name=x mtu=65521\n", 1 },
		{ "create any=yes name=x mtu=68-65521\n", 1 },
		{ "create any=yes name=x mtu=100-100\n", 1 },
		{ "create any=yes name=x queues=1\n", 1 },
		{ "create any=yes name=x queues=256\n", 1 },
		{ "create any=yes name=x mac=yes\n", 1 },
		{ "create any=yes name=x mac=no\n", 1 },
		{ "create any=yes name=x host-visible=yes\n", 1 },
		{ "create any=yes name=x host-visible=no\n", 1 },
		{ "create any=yes name=x trust=yes host-visible=yes\n", 1 },
		{ "create any=yes mac=no queues=2 mtu=70 kind=tap name=x\n",
		  1 },
		{ "capture any=yes interface=x promiscuous=yes\n", 1 },
		{ "capture any=yes promiscuous=no interface=x\n", 1 },
		{ "create user=12345 name=x\n", 1 },
		{ "create user=12344 name=x\n", 0 },
		{ "create user=0 name=x\n", 0 },
		{ "create user=100 name=x\n", 0 }, /* his group, not he */
		{ "create user=4294967294 name=x\n", 0 },
		{ "create user=root name=x\n", 0 },
		{ "create user=_No-such.user$ name=x\n", 0 },
		{ "create group=100 name=x\n", 1 },
		{ "create group=4000 name=x\n", 1 },
		{ "create group=root name=x\n", 1 },
		{ "create group=12345 name=x\n", 0 }, /* he, not his group */
		{ "create group=4001 name=x\n", 0 },
		{ "create group=no-such-group name=x\n", 0 },
		{ "capture group=100 interface=x\n", 1 },
		{ "create user=1 name=x\ncreate group=100 name=y\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policyfile policy;

		parse(rows[i].text, &policy);
		if (policy.count != rows[i].count)
			fail_msg("%s: %zu grants", rows[i].text, policy.count);
	}
}

#define CREATE "create any=yes name=x "

/* Each alone, and in the third line of a good file. */
static void test_refused(void **state)
{
	static const struct {
		const char *line;
		const char *word;
	} rows[] = {
		{ "delete any=yes name=x", "neither create nor capture" },
		{ "Create any=yes name=x", "neither create nor capture" },
		{ "creates any=yes name=x", "neither create nor capture" },
		{ "include /etc/passwd", "neither create nor capture" },
		{ "create", "no name=" },
		{ "create #any=yes name=x", "no name=" },
		{ "create any=yes", "no name=" },
		{ "create any=yes kind=tap", "no name=" },
		{ "capture any=yes", "no name=" },
		{ "create name=x", "no user=" },
		{ "create name=x any=yes", "no user=" },
		{ "create all=yes name=x", "no user=" },
		{ "create any name=x", "without =" },
		{ "create any =yes name=x", "without =" },
		{ "create any = yes name=x", "without =" },
		{ "create any=no name=x", "any is" },
		{ "create any= name=x", "any is" },
		{ "create any=YES name=x", "any is" },
		{ "create any=yes any=yes name=x", "does not take" },
		{ "create any=yes user=root name=x", "does not take" },
		{ "create user=1 user=2 name=x", "does not take" },
		{ "create user= name=x", "user is" },
		{ "create group= name=x", "group is" },
		{ "create user=4294967295 name=x", "user is" },
		{ "create user=4294967296 name=x", "user is" },
		{ "create user=18446744073709551616 name=x", "user is" },
		{ "create user=01 name=x", "user is" },
		{ "create user=+1 name=x", "user is" },
		{ "create user=-1 name=x", "user is" },
		{ "create user=0x10 name=x", "user is" },
		{ "create user=+ name=x", "user is" },
		{ "create user=-x name=x", "user is" },
		{ "create user=$x name=x", "user is" },
		{ "create user=.x name=x", "user is" },
		{ "create user=a,b name=x", "user is" },
		{ "create user=a:b name=x", "user is" },
		{ "create user=* name=x", "user is" },
		{ "create group=4294967295 name=x", "group is" },
		{ "create group=%wheel name=x", "group is" },
		{ "create any=yes name=", "bad interface name" },
		{ "create any=yes name=,", "bad interface name" },
		{ "create any=yes name=x,", "bad interface name" },
		{ "create any=yes name=,x", "bad interface name" },
		{ "create any=yes name=x,,y", "bad interface name" },
		{ "create any=yes name=**", "bad interface name" },
		{ "create any=yes name=x**", "bad interface name" },
		{ "create any=yes name=*x", "bad interface name" },
		{ "create any=yes name=x*y", "bad interface name" },
		{ "create any=yes name=tf%d", "bad interface name" },
		{ "create any=yes name=tf%d*", "bad interface name" },
		{ "create any=yes name=tf%*", "bad interface name" },
		{ "create any=yes name=0", "bad interface name" },
		{ "create any=yes name=..", "bad interface name" },
		{ "create any=yes name=a/b", "bad interface name" },
		{ "create any=yes name=x?", "bad interface name" },
		{ "create any=yes name=[ab]", "bad interface name" },
		{ "create any=yes name=\"x\"", "bad interface name" },
		{ "create any=yes name=x\\", "bad interface name" },
		{ "create any=yes name=x=y", "bad interface name" },
		{ "create any=yes name=abcdefghijklmnop", "15 characters" },
		{ "create any=yes name=abcdefghijklmno*", "15 characters" },
		{ "create user=1 name=0", "bad interface name" },
		{ "create user=1 name=abcdefghijklmnop", "15 characters" },
		{ CREATE "name=y", "twice" },
		{ CREATE "mac=no mac=yes", "twice" },
		{ CREATE "kind=tap kind=tap", "twice" },
		{ CREATE "mtu=68 mtu=68", "twice" },
		{ CREATE "queues=1 queues=1", "twice" },
		{ CREATE "interface=y", "does not take" },
		{ CREATE "promiscuous=yes", "does not take" },
		{ CREATE "bridge=br0", "does not take" },
		{ CREATE "Mac=yes", "does not take" },
		{ CREATE "=yes", "does not take" },
		{ CREATE "word", "without =" },
		{ CREATE "kind=", "kind is" },
		{ CREATE "kind=tap,", "kind is" },
		{ CREATE "kind=tun,tap", "kind is" },
		{ CREATE "kind=tap,tun,tap", "kind is" },
		{ CREATE "kind=TAP", "kind is" },
		{ CREATE "mtu=", "mtu is" },
		{ CREATE "mtu=67", "mtu is" },
		{ CREATE "mtu=0", "mtu is" },
		{ CREATE "mtu=65522", "mtu is" },
		{ CREATE "mtu=4294968796", "mtu is" }, /* 2^32 + 1500 */
		{ CREATE "mtu=1500b", "mtu is" },
		{ CREATE "mtu=auto", "mtu is" },
		{ CREATE "mtu=01500", "mtu is" },
		{ CREATE "mtu=100-", "mtu is" },
		{ CREATE "mtu=-100", "mtu is" },
		{ CREATE "mtu=100-99", "mtu is" },
		{ CREATE "mtu=67-100", "mtu is" },
		{ CREATE "mtu=100-65522", "mtu is" },
		{ CREATE "mtu=100-200-300", "mtu is" },
		{ CREATE "queues=", "queues is" },
		{ CREATE "queues=0", "queues is" },
		{ CREATE "queues=257", "queues is" },
		{ CREATE "queues=1-2", "queues is" },
		{ CREATE "mac=", "mac is" },
		{ CREATE "mac=1", "mac is" },
		{ CREATE "mac=yess", "mac is" },
		{ CREATE "host-visible=", "host-visible is" },
		{ CREATE "host-visible=1", "host-visible is" },
		{ CREATE "trust=", "trust is" },
		{ CREATE "trust=no trust=yes", "twice" },
		{ "capture any=yes interface=x trust=yes", "does not take" },
		{ CREATE "host_visible=yes", "does not take" },
		{ CREATE "host-visible=no host-visible=yes", "twice" },
		{ "capture any=yes interface=x host-visible=yes",
		  "does not take" },
		{ "capture any=yes interface=x name=y", "does not take" },
		{ "capture any=yes interface=x mtu=68", "does not take" },
		{ "capture any=yes interface=x kind=tap", "does not take" },
		{ "capture any=yes interface=x queues=1", "does not take" },
		{ "capture any=yes interface=x mac=yes", "does not take" },
		{ "capture any=yes interface=x interface=y", "twice" },
		{ "capture any=yes interface=", "bad interface name" },
		{ "capture any=yes interface=a b", "without =" },
		{ "capture any=yes interface=x promiscuous=", "promiscuous" },
		{ "capture any=yes interface=x promiscuous=on", "promiscuous" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[600];
		int len;

		len = snprintf(text, sizeof(text), "%s\n", rows[i].line);
		refuse(text, (size_t)len, 1, rows[i].word);
		len = snprintf(text, sizeof(text),
			       "# a comment\ncreate any=yes name=y\n%s\n"
			       "nonsense\n",
			       rows[i].line);
		refuse(text, (size_t)len, 3, rows[i].word);
	}
}

/* Each byte value in a comment, a name, at the file's start; CR and BOM are
 * among them. */
static void test_bytes(void **state)
{
	(void)state;
	for (unsigned int byte = 0; byte < 256; byte++) {
		static const char good[] = "create any=yes name=x #.\n";
		bool plain = byte == '\t' || (byte >= ' ' && byte <= '~');
		struct policyfile policy;
		char text[sizeof(good)];

		memcpy(text, good, sizeof(good));
		text[sizeof(good) - 3] = (char)byte;
		if (plain)
			parse(text, &policy);
		else if (byte != '\n')
			refuse(text, sizeof(good) - 1, 1, "no ASCII text");
		memcpy(text, good, sizeof(good));
		text[20] = (char)byte;
		if (!plain && byte != '\n')
			refuse(text, sizeof(good) - 1, 1, "no ASCII text");
	}
	refuse("create any=yes name=x\r\n", 23, 1, "no ASCII text");
	refuse("\xef\xbb\xbf# x\n", 7, 1, "no ASCII text");
	refuse("\n\0\n", 3, 2, "no ASCII text");
	refuse("create any=yes name=x\0 kind=tap\n", 32, 1, "no ASCII text");
}

/* A file that lacks its end may lack a restriction. */
static void test_cut(void **state)
{
	static const char text[] = "create any=yes name=x\n"
				   "create any=yes name=y mac=no\n";

	(void)state;
	for (size_t len = 1; len < sizeof(text); len++) {
		struct policyfile_fault fault;
		struct policyfile policy;

		if (len == 22 || len == sizeof(text) - 1)
			assert_int_equal(
				parse_bytes(text, len, &policy, &fault), 0);
		else
			refuse(text, len, len < 22 ? 1 : 2, "no newline");
	}
}

static void test_line_length(void **state)
{
	struct policyfile policy;
	char text[400];

	(void)state;
	memset(text, '#', sizeof(text));
	strcpy(text + 255, "\n");
	parse(text, &policy);
	memset(text, ' ', sizeof(text));
	strcpy(text + 256, "\n");
	refuse(text, 257, 1, "longer than 255");
	memset(text, ' ', sizeof(text));
	memcpy(text, "\n\n", 2);
	strcpy(text + 2 + 256, "\n");
	refuse(text, 2 + 257, 3, "longer than 255");
}

/* 64 KiB are read; one byte more is too much, be it a newline. */
static void test_size(void **state)
{
	static char text[64 * 1024 + 2];
	struct policyfile_fault fault;
	struct policyfile policy;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 128 == 127 ? '\n' : '#';
	assert_int_equal(parse_bytes(text, 64 * 1024, &policy, &fault), 0);
	text[64 * 1024] = '\n';
	refuse(text, 64 * 1024 + 1, 0, "larger than 64 KiB");
	text[64 * 1024 + 1] = '\n';
	refuse(text, 64 * 1024 + 2, 0, "larger than 64 KiB");
	text[64 * 1024] = '#';
	refuse(text, 64 * 1024 + 2, 513, "larger than 64 KiB");
}

/* One line without end, from a pipe: at most 64 KiB and a byte are taken. */
static void test_endless_pipe(void **state)
{
	static char text[256 * 1024];
	struct policyfile_fault fault = { 0 };
	struct policyfile policy;
	int fds[2];
	ssize_t rest;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, sizeof(text)) >= 0);
	assert_int_equal(write(fds[1], text, sizeof(text)), sizeof(text));
	assert_int_equal(policyfile_parse(fds[0], &subject, &policy, &fault),
			 -EINVAL);
	assert_int_equal(fault.line, 1);
	assert_string_equal(fault.what, "longer than 255 bytes");
	rest = read(fds[0], text, sizeof(text));
	assert_int_equal(rest, sizeof(text) - 64 * 1024 - 1);
	/* Nothing there and no end: told as it is. */
	assert_int_equal(policyfile_parse(fds[0], &subject, &policy, &fault),
			 -EAGAIN);
	close(fds[0]);
	close(fds[1]);
}

static void test_grants_max(void **state)
{
	struct policyfile policy;
	char text[8192] = "";
	char *end = text;

	(void)state;
	/* Of others there may be any number. */
	for (int i = 0; i < 100; i++)
		end = stpcpy(end, "create user=1 name=a,b\n");
	for (int i = 0; i < 32; i++)
		end = stpcpy(end, "create user=12345 name=a,b\n");
	parse(text, &policy);
	assert_int_equal(policy.count, POLICYFILE_GRANTS_MAX);
	end = stpcpy(end, "create user=1 name=a\n");
	parse(text, &policy);
	end = stpcpy(end, "capture group=100 interface=a\n");
	refuse(text, strlen(text), 134, "more than 64");
}

static void test_may_create(void **state)
{
	static const struct {
		const char *grant;
		struct privileged_request asked;
		bool may;
	} rows[] = {
#define REQUEST(text, ...) { .name = text, .mtu = 1500, __VA_ARGS__ }
#define ASK(text)	   REQUEST(text, .kind = TAPFEED_TAP, .queues = 1)
#define TUN		   REQUEST("x", .kind = TAPFEED_TUN, .queues = 1)
#define QUEUES(n)	   REQUEST("x", .kind = TAPFEED_TAP, .queues = (n))
#define MAC		   REQUEST("x", .kind = TAPFEED_TAP, .queues = 1, .mac = { 2 })
#define VISIBLE                                                                \
	REQUEST("x", .kind = TAPFEED_TAP, .queues = 1,                         \
		.flags = PRIVILEGED_HOST_VISIBLE)
#define TRUST                                                                  \
	REQUEST("x", .kind = TAPFEED_TAP, .queues = 1, .flags = PRIVILEGED_VNET)
#define BOTH                                                                   \
	REQUEST("x", .kind = TAPFEED_TAP, .queues = 1,                         \
		.flags = PRIVILEGED_HOST_VISIBLE | PRIVILEGED_VNET)
		{ "name=tf0", ASK("tf0"), true },
		{ "name=tf0", ASK("tf"), false },
		{ "name=tf0", ASK("tf00"), false },
		{ "name=tf0", ASK("Tf0"), false },
		{ "name=tf0", ASK("tf%d"), false },
		{ "name=tf", ASK("tf%d"), false },
		{ "name=tf*", ASK("tf"), true },
		{ "name=tf*", ASK("tf0"), true },
		{ "name=tf*", ASK("tfabcdefghijklm"), true },
		{ "name=tf*", ASK("t"), false },
		{ "name=tf*", ASK("tg0"), false },
		{ "name=tf*", ASK("tf%d"), true },
		{ "name=tf*", ASK("tfx%d"), true },
		{ "name=tf*", ASK("t%d"), false },
		{ "name=t*", ASK("tf%d"), true },
		{ "name=tf1*", ASK("tf%d"), false },
		{ "name=tf1*", ASK("tf1%d"), true },
		{ "name=tfx*", ASK("tf%d"), false },
		{ "name=*", ASK("tf%d"), true },
		{ "name=*", ASK("lo"), true },
		{ "name=abcdefghijklmno", ASK("abcdefghijklmno"), true },
		{ "name=abcdefghijklmno", ASK("abcdefghijklmnp"), false },
		{ "name=abcdefghijklmn*", ASK("abcdefghijklmno"), true },
		{ "name=a,b*", ASK("a"), true },
		{ "name=a,b*", ASK("b1"), true },
		{ "name=a,b*", ASK("a1"), false },
		{ "name=x", TUN, true },
		{ "name=x kind=tap", ASK("x"), true },
		{ "name=x kind=tun", ASK("x"), false },
		{ "name=x kind=tap", TUN, false },
		{ "name=x kind=tun", TUN, true },
		{ "name=x kind=tap,tun", TUN, true },
		{ "name=x mtu=1500", ASK("x"), true },
		{ "name=x mtu=1501", ASK("x"), false },
		{ "name=x mtu=1499", ASK("x"), false },
		{ "name=x mtu=1499-1500", ASK("x"), true },
		{ "name=x mtu=1500-1501", ASK("x"), true },
		{ "name=x mtu=68-1499", ASK("x"), false },
		{ "name=x mtu=1501-9000", ASK("x"), false },
		{ "name=x", QUEUES(2), false },
		{ "name=x queues=2", QUEUES(2), true },
		{ "name=x queues=2", QUEUES(3), false },
		{ "name=x queues=2", ASK("x"), true },
		{ "name=x", MAC, false },
		{ "name=x mac=no", MAC, false },
		{ "name=x", VISIBLE, false },
		{ "name=x host-visible=no", VISIBLE, false },
		{ "name=x host-visible=yes", VISIBLE, true },
		{ "name=x host-visible=yes", ASK("x"), true },
		{ "name=x mac=yes", VISIBLE, false },
		{ "name=x", TRUST, false },
		{ "name=x trust=yes", TRUST, true },
		{ "name=x trust=yes", VISIBLE, false },
		{ "name=x host-visible=yes", TRUST, false },
		{ "name=x host-visible=yes", BOTH, false },
		{ "name=x trust=yes", BOTH, false },
		{ "name=x trust=yes host-visible=yes", BOTH, true },
		{ "name=x host-visible=yes", MAC, false },
		{ "name=x host-visible=yes mtu=68\ncreate any=yes name=x",
		  VISIBLE, false },
		{ "name=x mac=yes", MAC, true },
		/* Grants are not added up. */
		{ "name=x mac=yes mtu=68\ncreate any=yes name=x", MAC, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct policyfile policy;
		char text[200];

		snprintf(text, sizeof(text), "create any=yes %s\n",
			 rows[i].grant);
		parse(text, &policy);
		if (policyfile_may_create(&policy, &rows[i].asked) !=
		    rows[i].may)
			fail_msg("%s asked for %s", rows[i].grant,
				 rows[i].asked.name);
		/* Whoever may create may not capture for that. */
		assert_false(policyfile_may_capture(&policy, rows[i].asked.name,
						    false));
	}
}

static void test_may_capture(void **state)
{
	static const struct privileged_request create = ASK("eth0");
	struct policyfile policy;

	(void)state;
	parse("capture any=yes interface=eth*,lo\n"
	      "capture any=yes interface=eth1 promiscuous=yes\n",
	      &policy);
	assert_true(policyfile_may_capture(&policy, "eth0", false));
	assert_true(policyfile_may_capture(&policy, "lo", false));
	assert_false(policyfile_may_capture(&policy, "eth0", true));
	assert_true(policyfile_may_capture(&policy, "eth1", true));
	assert_false(policyfile_may_capture(&policy, "eth10", true));
	assert_false(policyfile_may_capture(&policy, "wlan0", false));
	assert_false(policyfile_may_capture(&policy, "lo1", false));
	assert_false(policyfile_may_capture(&policy, "", false));
	assert_false(policyfile_may_create(&policy, &create));
	parse("", &policy);
	assert_false(policyfile_may_capture(&policy, "lo", false));
	assert_false(policyfile_may_create(&policy, &create));
}

/* By name, each user and group of the system that asks, not only root's. */
static void test_names_of_this_system(void **state)
{
	const struct group *group = getgrgid(getgid());
	const struct passwd *user = getpwuid(getuid());
	struct policyfile_subject saved = subject;
	struct policyfile policy;
	char text[200];

	(void)state;
	parse("create user=root name=a\ncreate group=root name=b\n", &policy);
	assert_int_equal(policy.count, 1);
	assert_string_equal(policy.grants[0].name, "b");
	/* Who is not known is not root. */
	subject = (struct policyfile_subject){ .group_count = 1 };
	parse("create user=no-such-user name=a\n"
	      "create group=no-such-group name=b\n",
	      &policy);
	assert_int_equal(policy.count, 0);
	subject = (struct policyfile_subject){ .uid = 0 };
	parse("create user=root name=a\ncreate group=root name=b\n", &policy);
	assert_int_equal(policy.count, 1);
	assert_string_equal(policy.grants[0].name, "a");
	assert_int_equal(policyfile_self(&subject), 0);
	if (user && group) {
		snprintf(text, sizeof(text),
			 "create user=%s name=a\ncreate group=%s name=b\n",
			 user->pw_name, group->gr_name);
		parse(text, &policy);
		assert_int_equal(policy.count, 2);
	}
	subject = saved;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_endless_pipe),
		cmocka_unit_test(test_grants_max),
		cmocka_unit_test(test_may_create),
		cmocka_unit_test(test_may_capture),
		cmocka_unit_test(test_names_of_this_system),
	};

	return cmocka_run_group_tests_name("policyfile", tests, NULL, NULL);
}
