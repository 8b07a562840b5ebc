/* SPDX-License-Identifier: Apache-2.0 */
/* The report. The counters pages are hostile: any number, any bytes. */
#include <config.h>

#include "launcher/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/ifname.h"
#include "common/log.h"

/* A copy fit for JSON and terminals, of a name another process wrote. */
static void copy_name(char *dst, const char *src, size_t size)
{
	size_t n = 0;

	for (; n < size && src[n]; n++) {
		char c = src[n];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("_-.+ ", c);

		dst[n] = plain ? c : '?';
	}
	dst[n] = '\0';
}

const char *report_skip_name(enum counters_skip reason)
{
	static const char *const names[COUNTERS_SKIPS] = {
		[COUNTERS_TOO_SHORT] = "too_short",
		[COUNTERS_TOO_LONG] = "too_long",
		[COUNTERS_NOT_IP] = "not_ip",
		[COUNTERS_LINK_TYPE] = "unsupported_link_type",
		[COUNTERS_NOT_ETHERNET] = "not_ethernet",
		[COUNTERS_ENCRYPTED] = "encrypted",
		[COUNTERS_NOT_DATA] = "not_data",
		[COUNTERS_FRAGMENT] = "fragment",
		[COUNTERS_DAMAGED] = "damaged",
		[COUNTERS_OVERSIZE] = "oversize",
		[COUNTERS_TRUNCATED] = "truncated",
	};

	return names[reason];
}

static bool any_skipped(const uint64_t skipped[COUNTERS_SKIPS])
{
	for (size_t i = 0; i < COUNTERS_SKIPS; i++)
		if (skipped[i] > 0)
			return true;
	return false;
}

void report_add_link_type(struct report *report, const char *text,
			  const uint64_t skipped[COUNTERS_SKIPS])
{
	struct report_link_type *out = report->link_types;
	char name[COUNTERS_LINK_NAME_LEN + 1];
	size_t i = 0;

	if (!any_skipped(skipped))
		return;
	copy_name(name, text, COUNTERS_LINK_NAME_LEN);
	while (i < report->link_type_count && strcmp(out[i].name, name) != 0)
		i++;
	if (i == COUNTERS_LINK_TYPES)
		return;
	if (i == report->link_type_count)
		report->link_type_count++;
	memcpy(out[i].name, name, sizeof(name));
	for (size_t j = 0; j < COUNTERS_SKIPS; j++) {
		out[i].skipped[j] += skipped[j];
		report->skipped[j] += skipped[j];
	}
}

static void read_skipped(struct report *report,
			 const struct counters_capture *capture)
{
	for (size_t i = 0; i < COUNTERS_LINK_TYPES; i++) {
		const struct counters_link_type *row = &capture->link_types[i];
		uint64_t skipped[COUNTERS_SKIPS];

		for (size_t j = 0; j < COUNTERS_SKIPS; j++)
			skipped[j] = counter_get(&row->skipped[j]);
		report_add_link_type(report, row->name, skipped);
	}
}

static void read_capture(struct report *report,
			 const struct counters_capture *capture)
{
	report->received = counter_get(&capture->received);
	report->filtered = counter_get(&capture->filtered);
	report->truncated = counter_get(&capture->truncated);
	report->kernel_dropped = counter_get(&capture->kernel_dropped);
	read_skipped(report, capture);
	report->oversize = counter_get(&capture->oversize);
	report->segmented = counter_get(&capture->segmented);
	report->checksums_fixed = counter_get(&capture->checksums_fixed);
	report->checksums_left = counter_get(&capture->checksums_left);
}

static void read_latency(struct report_latency *latency, const uint64_t *page,
			 const uint64_t *page_max)
{
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t max;

	/* A copy: the page goes on changing. */
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		buckets[i] = counter_get(&page[i]);
	max = counter_get(page_max);
	*latency = (struct report_latency){
		.count = histogram_count(buckets),
		.p50_ns = histogram_quantile(buckets, 500, max),
		.p90_ns = histogram_quantile(buckets, 900, max),
		.p99_ns = histogram_quantile(buckets, 990, max),
		.p99_9_ns = histogram_quantile(buckets, 999, max),
		.max_ns = max,
	};
	histogram_octaves(buckets, latency->octaves);
}

static void read_injector(struct report *report,
			  const struct counters_injector *injector)
{
	uint64_t first = counter_get(&injector->first_ns);
	uint64_t last = counter_get(&injector->last_ns);

	report->injected = counter_get(&injector->injected);
	report->frames_written = counter_get(&injector->frames_written);
	report->bytes_injected = counter_get(&injector->bytes_injected);
	report->dropped_queue = counter_get(&injector->dropped_queue);
	report->dropped_interface_down =
		counter_get(&injector->dropped_interface_down);
	report->dropped_stopped = counter_get(&injector->dropped_stopped);
	report->dropped_restart = counter_get(&injector->dropped_restart);
	report->errors = counter_get(&injector->errors);
	report->queue_peak = counter_get(&injector->queue_peak);
	report->duration_ns = last > first ? last - first : 0;
	read_latency(&report->latency, injector->latency,
		     &injector->latency_max_ns);
	read_latency(&report->timing, injector->timing,
		     &injector->timing_max_ns);
	copy_name(report->interface, injector->interface,
		  TAPFEED_IFNAME_SIZE - 1);
	if (!ifname_valid(report->interface))
		memset(report->interface, 0, sizeof(report->interface));
}

void report_read(struct report *report, const struct counters_capture *capture,
		 const struct counters_injector *injector)
{
	*report = (struct report){ 0 };
	read_capture(report, capture);
	read_injector(report, injector);
	report->received += counter_get(&injector->joined_received);
}

void report_read_told(struct report *report,
		      const struct counters_capture *capture)
{
	*report = (struct report){ 0 };
	read_capture(report, capture);
	report->injected = counter_get(&capture->told_injected);
	report->dropped_queue = counter_get(&capture->told_dropped_queue);
	report->dropped_interface_down =
		counter_get(&capture->told_dropped_interface_down);
	report->dropped_stopped = counter_get(&capture->told_dropped_stopped);
	report->dropped_restart = counter_get(&capture->told_dropped_restart);
	report->errors = counter_get(&capture->told_errors);
}

uint64_t report_dropped(const struct report *report)
{
	return report->dropped_queue + report->dropped_interface_down +
	       report->dropped_stopped + report->dropped_restart;
}

uint64_t report_skipped(const struct report *report)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTERS_SKIPS; i++)
		sum += report->skipped[i];
	return sum;
}

int64_t report_missing(const struct report *report)
{
	/* Unsigned on purpose: absurd counters wrap, and stay numbers. */
	return (int64_t)(report->received - report->injected -
			 report_dropped(report) - report_skipped(report) -
			 report->errors);
}

static uint64_t rate(const struct report *report)
{
	if (report->duration_ns == 0)
		return 0;
	return (uint64_t)((unsigned __int128)report->injected * NS_PER_S /
			  report->duration_ns);
}

#define ULL(x) ((unsigned long long)(x))

static void print_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%llu.%06llu", ULL(ns / NS_PER_S),
		ULL(ns % NS_PER_S / NS_PER_US));
}

static void print_us(const char *what, const char *name, uint64_t ns)
{
	printf(" %s_%s_us=%llu.%llu", what, name, ULL(ns / NS_PER_US),
	       ULL(ns % NS_PER_US / 100));
}

static void print_times(const char *what, const struct report_latency *times)
{
	if (times->count == 0)
		return;
	print_us(what, "p50", times->p50_ns);
	print_us(what, "p99", times->p99_ns);
	print_us(what, "max", times->max_ns);
}

static void print_line(const struct report *report)
{
	printf("received=%llu injected=%llu dropped=%llu skipped=%llu "
	       "errors=%llu seconds=",
	       ULL(report->received), ULL(report->injected),
	       ULL(report_dropped(report)), ULL(report_skipped(report)),
	       ULL(report->errors));
	print_seconds(stdout, report->duration_ns);
	printf(" packets_per_second=%llu", ULL(rate(report)));
	print_times("latency", &report->latency);
	print_times("timing_error", &report->timing);
	putchar('\n');
}

/* [[NS,n],...]: what is not 0, up to so many nanoseconds. */
static void json_octaves(FILE *out, const uint64_t *octaves)
{
	bool any = false;

	for (size_t i = 0; i < HISTOGRAM_OCTAVES; i++) {
		if (octaves[i] == 0)
			continue;
		fputs(any ? ",[" : ",\"histogram\":[[", out);
		if (i + 1 < HISTOGRAM_OCTAVES)
			fprintf(out, "%llu", ULL(histogram_octave_upper(i)));
		else
			fputs("null", out);
		fprintf(out, ",%llu]", ULL(octaves[i]));
		any = true;
	}
	if (any)
		fputc(']', out);
}

static void json_times(FILE *out, const char *key,
		       const struct report_latency *times)
{
	fprintf(out, ",\"%s\":", key);
	if (times->count == 0) {
		fputs("null", out);
		return;
	}
	fprintf(out,
		"{\"count\":%llu,\"p50\":%llu,"
		"\"p90\":%llu,\"p99\":%llu,\"p99_9\":%llu,\"max\":%llu",
		ULL(times->count), ULL(times->p50_ns), ULL(times->p90_ns),
		ULL(times->p99_ns), ULL(times->p99_9_ns), ULL(times->max_ns));
	json_octaves(out, times->octaves);
	fputc('}', out);
}

/* "NAME":n for each link type that there is nothing for. */
static void print_unsupported(FILE *out, const struct report *report)
{
	const char *comma = "";

	fputc('{', out);
	for (size_t i = 0; i < report->link_type_count; i++) {
		const struct report_link_type *row = &report->link_types[i];

		if (row->skipped[COUNTERS_LINK_TYPE] == 0)
			continue;
		fprintf(out, "%s\"%s\":%llu", comma, row->name,
			ULL(row->skipped[COUNTERS_LINK_TYPE]));
		comma = ",";
	}
	fputc('}', out);
}

static void print_skipped(FILE *out, const struct report *report)
{
	fputs("\"skipped\":{", out);
	for (size_t i = 0; i < COUNTERS_SKIPS; i++) {
		fprintf(out, "%s\"%s\":", i ? "," : "",
			report_skip_name((enum counters_skip)i));
		if (i == COUNTERS_LINK_TYPE)
			print_unsupported(out, report);
		else
			fprintf(out, "%llu", ULL(report->skipped[i]));
	}
	fputc('}', out);
}

/* The same packets, the other way round: what is not 0. */
static void print_skipped_by_type(FILE *out, const struct report *report)
{
	fputs(",\"skipped_by_type\":{", out);
	for (size_t i = 0; i < report->link_type_count; i++) {
		const struct report_link_type *row = &report->link_types[i];
		const char *comma = "";

		fprintf(out, "%s\"%s\":{", i ? "," : "", row->name);
		for (size_t j = 0; j < COUNTERS_SKIPS; j++) {
			if (row->skipped[j] == 0)
				continue;
			fprintf(out, "%s\"%s\":%llu", comma,
				report_skip_name((enum counters_skip)j),
				ULL(row->skipped[j]));
			comma = ",";
		}
		fputc('}', out);
	}
	fputc('}', out);
}

void report_json_members(FILE *out, const struct report *report)
{
	fprintf(out,
		"\"received\":%llu,\"injected\":%llu,"
		"\"frames_written\":%llu,\"bytes_injected\":%llu,",
		ULL(report->received), ULL(report->injected),
		ULL(report->frames_written), ULL(report->bytes_injected));
	fprintf(out,
		"\"dropped\":{\"queue\":%llu,\"interface_down\":%llu,"
		"\"stopped\":%llu,\"restart\":%llu},",
		ULL(report->dropped_queue), ULL(report->dropped_interface_down),
		ULL(report->dropped_stopped), ULL(report->dropped_restart));
	print_skipped(out, report);
	print_skipped_by_type(out, report);
	fprintf(out,
		",\"errors\":%llu,\"truncated\":%llu,\"oversize\":%llu,"
		"\"segmented\":%llu,\"checksums_fixed\":%llu,"
		"\"checksums_left\":%llu,",
		ULL(report->errors), ULL(report->truncated),
		ULL(report->oversize), ULL(report->segmented),
		ULL(report->checksums_fixed), ULL(report->checksums_left));
	fprintf(out,
		"\"filtered\":%llu,\"kernel_dropped\":%llu,"
		"\"queue_peak\":%llu,\"seconds\":",
		ULL(report->filtered), ULL(report->kernel_dropped),
		ULL(report->queue_peak));
	print_seconds(out, report->duration_ns);
	fprintf(out, ",\"packets_per_second\":%llu", ULL(rate(report)));
	json_times(out, "latency_ns", &report->latency);
	json_times(out, "timing_error_ns", &report->timing);
}

static void print_json(const struct report *report)
{
	printf("{\"interface\":\"%s\",", report->interface);
	report_json_members(stdout, report);
	printf("}\n");
}

/* " NAME=n" behind what is in buf, unless n is 0. */
static void add_reason(char *buf, size_t size, const char *name, uint64_t n)
{
	size_t len = strlen(buf);

	if (n > 0)
		snprintf(buf + len, size - len, " %s=%llu", name, ULL(n));
}

void report_explain(const struct report *report, bool json)
{
	char dropped[160] = "", skipped[480] = "";

	add_reason(dropped, sizeof(dropped), "queue", report->dropped_queue);
	add_reason(dropped, sizeof(dropped), "interface_down",
		   report->dropped_interface_down);
	add_reason(dropped, sizeof(dropped), "stopped",
		   report->dropped_stopped);
	add_reason(dropped, sizeof(dropped), "restart",
		   report->dropped_restart);
	for (size_t i = 0; i < COUNTERS_SKIPS; i++)
		add_reason(skipped, sizeof(skipped),
			   report_skip_name((enum counters_skip)i),
			   report->skipped[i]);
	if (*dropped && !json)
		log_info("dropped:%s", dropped);
	if (*skipped && !json)
		log_info("skipped:%s (--json: of which link types)", skipped);
	if (report->oversize > 0)
		log_info("oversize=%llu: longer than the MTU, and injected so; "
			 "many readers see only the beginning (--oversize, "
			 "--mtu auto)",
			 ULL(report->oversize));
}

int report_print(const struct report *report, bool json)
{
	if (json)
		print_json(report);
	else
		print_line(report);
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout))
		return errno ? -errno : -EIO;
	return 0;
}
