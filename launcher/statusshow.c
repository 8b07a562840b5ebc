/* SPDX-License-Identifier: Apache-2.0 */
/* Showing a feed's status. Input is hostile: what the feed said. */
#include <config.h>

#include "launcher/statusshow.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/escape.h"
#include "launcher/json.h"
#include "launcher/procstatus.h"

#define ULL(x) ((unsigned long long)(x))

/* So many sources are named, then it is said how many more there are. */
#define SOURCES_SHOWN 3

static const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case TAPFEED_TAP:
		return "tap";
	case TAPFEED_TUN:
		return "tun";
	default:
		return "none";
	}
}

static void put_escaped(FILE *out, const char *text)
{
	char shown[4 * CONTROL_TEXT_SIZE];

	escape_text(shown, sizeof(shown), text, strlen(text));
	fputs(shown, out);
}

/* "live from eth1, eth2 and 3 more" */
static void put_sources(FILE *out, const struct control_status *status)
{
	put_escaped(out, status->command);
	if (status->source_count == 0) {
		fputs(", no source of its own", out);
		return;
	}
	for (size_t i = 0; i < status->source_count; i++) {
		if (i == SOURCES_SHOWN) {
			fprintf(out, " and %zu more", status->source_count - i);
			return;
		}
		fputs(i == 0 ? " from " : ", ", out);
		put_escaped(out, status->sources[i]);
	}
}

/* "3 d 4 h", "12 m 3 s": two units are enough at a glance. */
static void put_span(FILE *out, uint64_t ns)
{
	uint64_t s = ns / NS_PER_S;

	if (s >= 86400)
		fprintf(out, "%llu d %llu h", ULL(s / 86400),
			ULL(s % 86400 / 3600));
	else if (s >= 3600)
		fprintf(out, "%llu h %llu m", ULL(s / 3600),
			ULL(s % 3600 / 60));
	else if (s >= 60)
		fprintf(out, "%llu m %llu s", ULL(s / 60), ULL(s % 60));
	else
		fprintf(out, "%llu s", ULL(s));
}

static void put_since(FILE *out, const struct control_status *status)
{
	time_t seconds = (time_t)(status->since_ns / NS_PER_S);
	struct tm tm;
	char text[64];

	if (localtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		fprintf(out, "  since     %s (", text);
	else
		fputs("  since     ? (", out);
	put_span(out, status->uptime_ns);
	fputc(')', out);
	if (status->restarts > 0)
		fprintf(out, ", restarts %llu", ULL(status->restarts));
	if (status->peers > 1)
		fprintf(out, ", %llu captures", ULL(status->peers));
	fputc('\n', out);
}

static const char *writer_name(enum counters_writer writer)
{
	static const char *const names[] = {
		[COUNTERS_WRITER_UNKNOWN] = "",
		[COUNTERS_WRITER_PLAIN] = "plain",
		[COUNTERS_WRITER_RING] = "ring",
	};

	return names[writer];
}

static void put_head(FILE *out, const char *name,
		     const struct control_status *status)
{
	fprintf(out, "%s: %s, ", name, control_state_name(status->state));
	if (status->kind)
		fprintf(out, "%s, mtu %u, ", kind_name(status->kind),
			status->mtu);
	if (status->kind && status->host_visible)
		fputs("host-visible, ", out);
	if (status->kind && status->queues > 1)
		fprintf(out, "%u queues, ", status->queues);
	if (status->writer)
		fprintf(out, "writer %s, ", writer_name(status->writer));
	put_sources(out, status);
	if (*status->joins) {
		fputs(" into ", out);
		put_escaped(out, status->joins);
	}
	fputc('\n', out);
}

/* What a gate may wait for: in words, in JSON. */
static const struct {
	enum control_wait wait;
	const char *text;
	const char *json;
} wait_names[] = {
	{ CONTROL_WAIT_DELAY, "the start-up delay", "startup_delay" },
	{ CONTROL_WAIT_READERS, "readers", "readers" },
	{ CONTROL_WAIT_START, "tapfeed start", "start" },
	{ CONTROL_WAIT_READY, "READY=1", "ready" },
	{ CONTROL_WAIT_FILE, "a file", "file" },
};

#define WAITS (sizeof(wait_names) / sizeof(wait_names[0]))

void statusshow_waits(char *buf, size_t size, uint32_t waits)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < WAITS && used < size; i++)
		if (waits & wait_names[i].wait)
			used += (size_t)snprintf(buf + used, size - used,
						 "%s%s", used > 0 ? ", " : "",
						 wait_names[i].text);
}

static void put_gate(FILE *out, const struct control_status *status)
{
	char waits[120];

	statusshow_waits(waits, sizeof(waits), status->waits);
	if (*waits)
		fprintf(out, "  waits     for %s\n", waits);
	if (status->readers_wanted > 0)
		fprintf(out, "  readers   %u (%u wanted)\n", status->readers,
			status->readers_wanted);
}

static void put_rate(FILE *out, const struct control_status *status,
		     const struct statusask_rate *rate)
{
	if (rate)
		fprintf(out, "  rate      %llu packets/s, %.3f Mbit/s",
			ULL(rate->packets_per_s),
			(double)rate->bits_per_s / 1e6);
	else
		fputs("  rate      not known yet", out);
	if (status->kind)
		fprintf(out, "; queue %llu of %llu, peak %llu",
			ULL(status->queue_used), ULL(status->queue_size),
			ULL(status->report.queue_peak));
	fputc('\n', out);
}

struct part {
	const char *name;
	uint64_t packets;
};

/* ", NAME N" for each that is not 0, after what stands before the first. */
static void put_parts(FILE *out, const char *before, const char *after,
		      const struct part *parts, size_t n)
{
	bool first = true;

	for (size_t i = 0; i < n; i++) {
		if (parts[i].packets == 0)
			continue;
		fprintf(out, "%s%s %llu", first ? before : ", ", parts[i].name,
			ULL(parts[i].packets));
		first = false;
	}
	if (!first)
		fputs(after, out);
}

static void put_dropped(FILE *out, const struct report *report)
{
	const struct part parts[] = {
		{ "queue", report->dropped_queue },
		{ "interface_down", report->dropped_interface_down },
		{ "stopped", report->dropped_stopped },
		{ "restart", report->dropped_restart },
	};

	fprintf(out, ", dropped %llu", ULL(report_dropped(report)));
	put_parts(out, " (", ")", parts, sizeof(parts) / sizeof(parts[0]));
}

static void put_skipped(FILE *out, const struct report *report)
{
	struct part parts[COUNTERS_SKIPS + COUNTERS_LINK_TYPES];
	size_t n = 0;

	for (size_t i = 0; i < COUNTERS_SKIPS; i++)
		if (i != COUNTERS_LINK_TYPE)
			parts[n++] = (struct part){
				report_skip_name((enum counters_skip)i),
				report->skipped[i],
			};
	for (size_t i = 0; i < report->link_type_count; i++)
		parts[n++] = (struct part){
			report->link_types[i].name,
			report->link_types[i].skipped[COUNTERS_LINK_TYPE],
		};
	fprintf(out, ", skipped %llu", ULL(report_skipped(report)));
	put_parts(out, " (", ")", parts, n);
}

static void put_counters(FILE *out, const struct report *report)
{
	const struct part beside[] = {
		{ "filtered", report->filtered },
		{ "kernel_dropped", report->kernel_dropped },
		{ "truncated", report->truncated },
		{ "oversize", report->oversize },
		{ "segmented", report->segmented },
		{ "checksums_fixed", report->checksums_fixed },
		{ "checksums_left", report->checksums_left },
	};

	fprintf(out, "  packets   received %llu, injected %llu",
		ULL(report->received), ULL(report->injected));
	put_dropped(out, report);
	put_skipped(out, report);
	fprintf(out, ", errors %llu\n", ULL(report->errors));
	put_parts(out, "            ", "\n", beside,
		  sizeof(beside) / sizeof(beside[0]));
}

/* "  latency   p50 8.2 us, p90 12.0 us, ..." */
static void put_latency(FILE *out, const char *what,
			const struct report_latency *latency)
{
	const struct {
		const char *name;
		uint64_t ns;
	} parts[] = {
		{ "p50", latency->p50_ns }, { "p90", latency->p90_ns },
		{ "p99", latency->p99_ns }, { "p99.9", latency->p99_9_ns },
		{ "max", latency->max_ns },
	};

	if (latency->count == 0)
		return;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		fprintf(out, "%s%s %llu.%llu us", i ? ", " : what,
			parts[i].name, ULL(parts[i].ns / NS_PER_US),
			ULL(parts[i].ns % NS_PER_US / 100));
	fputc('\n', out);
}

/* "tapfeed", or "tapfeed/tapfeed-capture" where the real one is another. */
static void name_users(char *buf, size_t size, const struct usernames *users,
		       const struct procstatus *status)
{
	char effective[4 * USERNAMES_SIZE], real[4 * USERNAMES_SIZE];
	char both[sizeof(effective) + sizeof(real)];

	procstatus_user(effective, sizeof(effective), users, status->euid);
	procstatus_user(real, sizeof(real), users, status->uid);
	if (status->uid == status->euid)
		snprintf(both, sizeof(both), "%s", effective);
	else
		snprintf(both, sizeof(both), "%s/%s", effective, real);
	escape_again(buf, size, both, strlen(both)); /* to cut it */
}

static void put_process(FILE *out, const struct control_process *process,
			const struct usernames *users)
{
	struct procstatus status;
	char name[4 * sizeof(process->name)], user[24], capabilities[22];

	escape_text(name, sizeof(name), process->name, strlen(process->name));
	fprintf(out, "  %-18s  %7u  ", name, process->pid);
	if (procstatus_read((pid_t)process->pid, &status) < 0) {
		fputs("unknown: it has ended, or /proc hides it\n", out);
		return;
	}
	name_users(user, sizeof(user), users, &status);
	procstatus_capabilities(capabilities, sizeof(capabilities),
				procstatus_held(&status));
	fprintf(out, "%-23s  %-12s  %-7s  %s\n", user,
		status.no_new_privs ? "yes" : "no",
		procstatus_seccomp_name(status.seccomp), capabilities);
}

void statusshow_text(FILE *out, const struct statusshow *show)
{
	const struct control_status *status = show->status;

	put_head(out, show->name, status);
	put_since(out, status);
	put_gate(out, status);
	put_rate(out, status, show->rate);
	put_counters(out, &status->report);
	put_latency(out, "  latency   ", &status->report.latency);
	put_latency(out, "  timing    late by ", &status->report.timing);
	if (status->process_count > 0)
		fprintf(out, "  %-18s  %7s  %-23s  %-12s  %-7s  %s\n",
			"process", "pid", "user", "no_new_privs", "seccomp",
			"capabilities");
	for (size_t i = 0; i < status->process_count; i++)
		put_process(out, &status->processes[i], show->users);
}

static void json_member(FILE *out, const char *key, const char *text)
{
	fprintf(out, "\"%s\":", key);
	if (*text)
		json_string(out, text);
	else
		fputs("null", out);
	fputc(',', out);
}

static void json_interface(FILE *out, const struct control_status *status)
{
	json_member(out, "interface", status->report.interface);
	fprintf(out, "\"kind\":\"%s\",", kind_name(status->kind));
	if (status->kind)
		fprintf(out,
			"\"mtu\":%u,\"ifindex\":%u,\"queues\":%u,"
			"\"host_visible\":%s,",
			status->mtu, status->ifindex, status->queues,
			status->host_visible ? "true" : "false");
	else
		fputs("\"mtu\":null,\"ifindex\":null,\"queues\":null,"
		      "\"host_visible\":null,",
		      out);
	json_member(out, "writer", writer_name(status->writer));
	json_member(out, "joins", status->joins);
}

static void json_gate(FILE *out, const struct control_status *status)
{
	const char *comma = "";

	fputs("\"waits_for\":[", out);
	for (size_t i = 0; i < WAITS; i++) {
		if (!(status->waits & wait_names[i].wait))
			continue;
		fprintf(out, "%s\"%s\"", comma, wait_names[i].json);
		comma = ",";
	}
	if (status->readers_wanted > 0)
		fprintf(out, "],\"readers\":%u,\"readers_wanted\":%u,",
			status->readers, status->readers_wanted);
	else
		fputs("],\"readers\":null,\"readers_wanted\":null,", out);
}

static void json_times(FILE *out, const struct control_status *status)
{
	time_t seconds = (time_t)(status->since_ns / NS_PER_S);
	struct tm tm;
	char text[64] = "";

	if (gmtime_r(&seconds, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	json_member(out, "since", text);
	fprintf(out, "\"uptime_seconds\":%llu.%03llu,",
		ULL(status->uptime_ns / NS_PER_S),
		ULL(status->uptime_ns % NS_PER_S / NS_PER_MS));
}

static void json_rate(FILE *out, const struct statusask_rate *rate)
{
	if (rate)
		fprintf(out,
			"\"rate\":{\"packets_per_second\":%llu,"
			"\"bits_per_second\":%llu},",
			ULL(rate->packets_per_s), ULL(rate->bits_per_s));
	else
		fputs("\"rate\":null,", out);
}

static void json_capabilities(FILE *out, const char *key, uint64_t capabilities)
{
	const char *comma = "";
	char name[64];

	fprintf(out, "\"%s\":[", key);
	for (unsigned int i = 0; i < 64; i++) {
		if (!(capabilities >> i & 1))
			continue;
		procstatus_capability(name, sizeof(name), i);
		fputs(comma, out);
		json_string(out, name);
		comma = ",";
	}
	fputc(']', out);
}

static void json_user(FILE *out, const char *prefix,
		      const struct usernames *users, uid_t uid)
{
	char user[4 * USERNAMES_SIZE];

	procstatus_user(user, sizeof(user), users, uid);
	fprintf(out, "\"%suser\":", prefix);
	json_string(out, user);
	fprintf(out, ",\"%suid\":%u,", prefix, (unsigned int)uid);
}

static void json_process(FILE *out, const struct control_process *process,
			 const struct usernames *users)
{
	struct procstatus status;

	fputc('{', out);
	json_member(out, "name", process->name);
	fprintf(out, "\"pid\":%u,", process->pid);
	if (procstatus_read((pid_t)process->pid, &status) < 0) {
		fputs("\"user\":null,\"uid\":null,\"real_user\":null,"
		      "\"real_uid\":null,\"capabilities\":null,"
		      "\"capability_sets\":null,\"no_new_privs\":null,"
		      "\"seccomp\":null}",
		      out);
		return;
	}
	json_user(out, "", users, status.euid);
	json_user(out, "real_", users, status.uid);
	json_capabilities(out, "capabilities", procstatus_held(&status));
	fputs(",\"capability_sets\":{", out);
	for (unsigned int i = 0; i < PROCSTATUS_SETS; i++) {
		fputs(i > 0 ? "," : "", out);
		json_capabilities(out, procstatus_set_name(i), status.sets[i]);
	}
	fprintf(out, "},\"no_new_privs\":%s,\"seccomp\":\"%s\"}",
		status.no_new_privs ? "true" : "false",
		procstatus_seccomp_name(status.seccomp));
}

void statusshow_json(FILE *out, const struct statusshow *show)
{
	const struct control_status *status = show->status;

	fputc('{', out);
	json_member(out, "name", show->name);
	json_interface(out, status);
	json_member(out, "version", status->version);
	json_member(out, "command", status->command);
	fputs("\"sources\":[", out);
	for (size_t i = 0; i < status->source_count; i++) {
		fputs(i > 0 ? "," : "", out);
		json_string(out, status->sources[i]);
	}
	fprintf(out, "],\"state\":\"%s\",", control_state_name(status->state));
	json_gate(out, status);
	json_times(out, status);
	json_rate(out, show->rate);
	fprintf(out,
		"\"queue_used\":%llu,\"queue_size\":%llu,\"peers\":%llu,"
		"\"restarts\":%llu,",
		ULL(status->queue_used), ULL(status->queue_size),
		ULL(status->peers), ULL(status->restarts));
	report_json_members(out, &status->report);
	fputs(",\"processes\":[", out);
	for (size_t i = 0; i < status->process_count; i++) {
		fputs(i > 0 ? "," : "", out);
		json_process(out, &status->processes[i], show->users);
	}
	fputs("]}", out);
}
