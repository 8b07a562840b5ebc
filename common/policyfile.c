/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file. It is root's, but who starts the process that reads it is
 * hostile: anything odd refuses the whole file. Small on purpose, since
 * processes with file capabilities link it.
 */
#include <config.h>

#include "common/policyfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/fd.h"
#include "common/ifname.h"
#include "common/users.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define LINE_MAX_BYTES 255
#define QUEUES_MAX     256u /* MAX_TAP_QUEUES of drivers/net/tun.c */

/* The line under way. */
struct rule {
	const struct policyfile_subject *subject;
	bool granted;		       /* to the subject, not to others */
	char *names;		       /* patterns, with commas */
	struct policyfile_grant grant; /* all but its name */
};

/* Digits alone, no leading zero, from min to max. */
static bool read_number(const char *text, uint32_t min, uint32_t max,
			uint32_t *ret)
{
	size_t len = strspn(text, "0123456789");
	uint64_t value = 0;

	if (len == 0 || len > 10 || text[len] || (text[0] == '0' && len > 1))
		return false;
	for (size_t i = 0; i < len; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (value < min || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool read_bool(const char *text, bool *ret)
{
	*ret = strcmp(text, "yes") == 0;
	return *ret || strcmp(text, "no") == 0;
}

/* A name that is not known, or cannot be looked up, grants nobody and is no
 * fault: one user who was deleted must not shut out all others. */
static bool set_subject(struct rule *rule, bool group, const char *value)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-$";
	const struct policyfile_subject *subject = rule->subject;
	struct users_id user = { 0 };
	uint32_t id;

	if (!read_number(value, 0, UINT32_MAX - 1, &id)) {
		if (strspn(value, name) != strlen(value) ||
		    strspn(value, "0123456789.-$") > 0 || !*value)
			return false;
		if (group ? users_find_group(value, &id) < 0
			  : users_find(value, &user) < 0)
			return true;
		id = group ? id : user.uid;
	}
	rule->granted = !group && id == subject->uid;
	for (size_t i = 0; group && i < subject->group_count; i++)
		rule->granted |= id == subject->groups[i];
	return true;
}

static bool set_user(struct rule *rule, char *value)
{
	return set_subject(rule, false, value);
}

static bool set_group(struct rule *rule, char *value)
{
	return set_subject(rule, true, value);
}

static bool set_any(struct rule *rule, char *value)
{
	return read_bool(value, &rule->granted) && rule->granted;
}

static bool set_names(struct rule *rule, char *value)
{
	rule->names = value;
	return true;
}

static bool set_kinds(struct rule *rule, char *value)
{
	if (strcmp(value, "tap") == 0)
		rule->grant.kinds = 1u << TAPFEED_TAP;
	else if (strcmp(value, "tun") == 0)
		rule->grant.kinds = 1u << TAPFEED_TUN;
	else
		return strcmp(value, "tap,tun") == 0;
	return true;
}

static bool set_mtu(struct rule *rule, char *value)
{
	uint32_t *min = &rule->grant.mtu_min;
	char *max = strchr(value, '-');

	if (max)
		*max++ = '\0';
	return read_number(value, TAPFEED_MTU_MIN, TAPFEED_MTU_MAX, min) &&
	       read_number(max ? max : value, *min, TAPFEED_MTU_MAX,
			   &rule->grant.mtu_max);
}

static bool set_queues(struct rule *rule, char *value)
{
	return read_number(value, 1, QUEUES_MAX, &rule->grant.queues_max);
}

#define FLAG(field) offsetof(struct rule, grant.field)

/* What may come where: each key once, one of the first group first. */
static const struct {
	enum {
		SUBJECT,
		CREATE,
		CAPTURE
	} of;
	const char *word;
	bool (*set)(struct rule *rule, char *value);
	const char *fault; /* where that is false */
	size_t flag;	   /* where set is NULL: a bool of the rule */
} keys[] = {
	{ SUBJECT, "user", set_user, "user is no name and no number" },
	{ SUBJECT, "group", set_group, "group is no name and no number" },
	{ SUBJECT, "any", set_any, "any is not yes" },
	{ CREATE, "name", set_names, "" },
	{ CREATE, "kind", set_kinds, "kind is none of tap, tun and tap,tun" },
	{ CREATE, "mtu", set_mtu, "mtu is no number or range in 68-65521" },
	{ CREATE, "queues", set_queues, "queues is no number in 1-256" },
	{ CREATE, "mac", NULL, "mac is neither yes nor no", FLAG(mac) },
	{ CREATE, "host-visible", NULL, "host-visible is neither yes nor no",
	  FLAG(host_visible) },
	{ CREATE, "trust", NULL, "trust is neither yes nor no", FLAG(trust) },
	{ CAPTURE, "interface", set_names, "" },
	{ CAPTURE, "promiscuous", NULL, "promiscuous is neither yes nor no",
	  FLAG(promiscuous) },
};

/* Reads one KEY=VALUE. What is wrong with it, or NULL, as those below. */
static const char *read_word(struct rule *rule, char *word, unsigned int *seen)
{
	unsigned int of = rule->grant.capture ? CAPTURE : CREATE;
	char *value = strchr(word, '=');

	if (!value)
		return "a word without =";
	*value++ = '\0';
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (keys[i].of != (*seen ? of : SUBJECT) ||
		    strcmp(keys[i].word, word) != 0)
			continue;
		if (*seen & 1u << i)
			return "the same key twice";
		*seen |= 1u << i;
		if (keys[i].set ? keys[i].set(rule, value)
				: read_bool(value, (void *)((char *)rule +
							    keys[i].flag)))
			return NULL;
		return keys[i].fault;
	}
	return *seen ? "a key that such a line does not take"
		     : "no user=, group= or any=yes behind the first word";
}

static const char *add_name(struct policyfile *policy, const struct rule *rule,
			    char *name)
{
	size_t len = strlen(name);
	bool star = len > 0 && name[len - 1] == '*';
	struct policyfile_grant grant = rule->grant;

	if (len >= sizeof(grant.name))
		return "an interface name of more than 15 characters";
	memcpy(grant.name, name, len);
	name[len - star] = '\0';
	if (!ifname_valid(name) && !(star && len == 1))
		return "a bad interface name";
	if (!rule->granted)
		return NULL;
	if (policy->count == POLICYFILE_GRANTS_MAX)
		return "more than 64 interface names for one user";
	policy->grants[policy->count++] = grant;
	return NULL;
}

static const char *read_line(struct policyfile *policy,
			     const struct policyfile_subject *subject,
			     char *line)
{
	struct rule rule = {
		.subject = subject,
		.grant = { .kinds = 1u << TAPFEED_TAP | 1u << TAPFEED_TUN,
			   .mtu_min = TAPFEED_MTU_MIN,
			   .mtu_max = TAPFEED_MTU_MAX,
			   .queues_max = 1 },
	};
	char *rest, *word, *name;
	const char *fault = NULL;
	unsigned int seen = 0;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, " \t", &rest);
	if (!word)
		return NULL;
	rule.grant.capture = strcmp(word, "capture") == 0;
	if (!rule.grant.capture && strcmp(word, "create") != 0)
		return "neither create nor capture";
	while (!fault && (word = strtok_r(NULL, " \t", &rest)))
		fault = read_word(&rule, word, &seen);
	if (!fault && !rule.names)
		fault = "no name= or interface=";
	while (!fault && (name = strsep(&rule.names, ",")))
		fault = add_name(policy, &rule, name);
	return fault;
}

/* Lines of any bytes, the last one with its newline too. */
static const char *read_lines(struct policyfile *policy,
			      const struct policyfile_subject *subject,
			      char *text, size_t size, unsigned int *ret_line)
{
	char *line = text;
	const char *fault = NULL;

	*ret_line = 1;
	for (char *c = text; !fault && c < text + size; c++)
		if (*c == '\n') {
			*c = '\0';
			fault = read_line(policy, subject, line);
			*ret_line += !fault;
			line = c + 1;
		} else if (c - line == LINE_MAX_BYTES) {
			fault = "longer than 255 bytes";
		} else if (*c != '\t' && (*c < ' ' || *c > '~')) {
			fault = "a byte that is no ASCII text, space or tab";
		}
	/* What is missing might have been a restriction. */
	if (!fault && line < text + size)
		fault = "no newline at its end: is the file cut, or larger "
			"than 64 KiB?";
	return fault;
}

int policyfile_parse(int fd, const struct policyfile_subject *subject,
		     struct policyfile *ret, struct policyfile_fault *fault)
{
	struct policyfile policy = { 0 };
	struct policyfile_fault found;
	char *text = malloc(FILE_MAX_BYTES + 1);
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	while ((n = fd_read(fd, text + size, FILE_MAX_BYTES + 1 - size)) > 0)
		size += (size_t)n;
	found.what = read_lines(&policy, subject, text, size, &found.line);
	free(text);
	if (n < 0)
		return (int)n;
	if (!found.what && size > FILE_MAX_BYTES)
		found = (struct policyfile_fault){ 0, "larger than 64 KiB" };
	if (found.what) {
		*fault = found;
		return -EINVAL;
	}
	*ret = policy;
	return 0;
}

static bool roots_alone(int fd, mode_t type)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 && (stat.st_mode & S_IFMT) == type &&
	       stat.st_uid == 0 && !(stat.st_mode & (S_IWGRP | S_IWOTH));
}

int policyfile_read(const char *path, const struct policyfile_subject *subject,
		    struct policyfile *ret, struct policyfile_fault *fault)
{
	const char *name = strrchr(path, '/') + 1;
	char dir[PATH_MAX] = "";
	int dir_fd, r, fd = -1;

	assert(path[0] == '/' && name - path < PATH_MAX);
	memcpy(dir, path, (size_t)(name - path));
	dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	r = -EPERM;
	*fault = (struct policyfile_fault){
		0, "its directory is not root's, or others may write to it"
	};
	if (!roots_alone(dir_fd, S_IFDIR))
		goto out;
	/* Should it be a FIFO, nothing waits in open(2). */
	fd = openat(dir_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	fault->what =
		"it is no plain file of root's that nobody else may write";
	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		r = -errno;
	else if (fd >= 0 && roots_alone(fd, S_IFREG))
		r = policyfile_parse(fd, subject, ret, fault);
out:
	fd_close(&fd);
	fd_close(&dir_fd);
	return r;
}

int policyfile_self(struct policyfile_subject *ret)
{
	/* Who has more groups than there is room for is refused: EINVAL. */
	int n = getgroups(POLICYFILE_GROUPS_MAX - 1, ret->groups + 1);

	if (n < 0)
		return -errno;
	ret->uid = getuid();
	ret->groups[0] = getgid();
	ret->group_count = (size_t)n + 1;
	return 0;
}

/* No pattern has a '%', so "tf*" covers "tf%d" with all its expansions, and
 * "tf1*" none of it. */
bool policyfile_covers(const struct policyfile_grant *grant, const char *name)
{
	size_t prefix = strlen(grant->name) - 1;

	if (grant->name[prefix] == '*')
		return strncmp(grant->name, name, prefix) == 0;
	return strcmp(grant->name, name) == 0;
}

bool policyfile_may_create(const struct policyfile *policy,
			   const struct privileged_request *asked)
{
	const struct policyfile_grant *grant = policy->grants;

	for (size_t i = 0; i < policy->count; i++, grant++)
		if (!grant->capture && policyfile_covers(grant, asked->name) &&
		    (grant->kinds & 1u << asked->kind) &&
		    asked->mtu >= grant->mtu_min &&
		    asked->mtu <= grant->mtu_max &&
		    asked->queues <= grant->queues_max &&
		    (grant->mac || bytes_zero(asked->mac, 6)) &&
		    (grant->host_visible ||
		     !(asked->flags & PRIVILEGED_HOST_VISIBLE)) &&
		    (grant->trust || !(asked->flags & PRIVILEGED_VNET)))
			return true;
	return false;
}
