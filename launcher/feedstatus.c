/* SPDX-License-Identifier: Apache-2.0 */
/* From a feed to its status. The counters pages are hostile: any number. */
#include <config.h>

#include "launcher/feedstatus.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/ifname.h"

void feedstatus_listen(struct feed *feed)
{
	char name[TAPFEED_IFNAME_SIZE];

	/* 22 bits at most, says the kernel's PID_MAX_LIMIT. */
	snprintf(name, sizeof(name), "join%u", (unsigned int)feed->status.pid);
	statusd_listen(&feed->status, feed->joins ? name : feed->interface);
}

static enum control_state state_of(const struct feed *feed)
{
	if (feed->deadline_ns != CLOCK_NEVER)
		return CONTROL_STOPPING;
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (feed->processes[i].restart_ns != CLOCK_NEVER)
			return CONTROL_RESTARTING;
	if (!feed->gate.open && !feed->joins)
		return CONTROL_WAITING;
	if (!feed->joins && gate_all_written(feed))
		return CONTROL_LINGERING;
	if (feed->gate.paused)
		return CONTROL_PAUSED;
	if (feed->capturing || feed->processes[FEED_CAPTURE].absent)
		return CONTROL_RUNNING;
	return CONTROL_STARTING;
}

static void add_process(struct control_status *status, const char *name,
			pid_t pid)
{
	struct control_process *process =
		&status->processes[status->process_count];

	if (pid <= 0 || status->process_count == CONTROL_PROCESSES_MAX)
		return;
	control_text(process->name, sizeof(process->name), name);
	process->pid = (uint32_t)pid;
	status->process_count++;
}

static void fill_processes(const struct feed *feed,
			   struct control_status *status)
{
	add_process(status, "tapfeed", feed->status.pid);
	if (feed->spawner_fd >= 0)
		add_process(status, "spawner", feed->spawner_pid);
	for (int i = 0; i < FEED_CHILDREN; i++)
		if (!feed->processes[i].ended)
			add_process(status, feed->processes[i].name,
				    feed->processes[i].pid);
}

/* The page is the injector's: hostile. */
static enum counters_writer writer_of(const struct counters_injector *injector)
{
	uint64_t writer = counter_get(&injector->writer);

	return writer <= COUNTERS_WRITER_RING ? (enum counters_writer)writer
					      : COUNTERS_WRITER_UNKNOWN;
}

static void fill_interface(const struct feed *feed,
			   struct control_status *status)
{
	const struct counters_injector *injector = feed->injector;

	memcpy(status->report.interface, feed->interface,
	       sizeof(status->report.interface));
	status->kind =
		strcmp(feed->what, "tun") == 0 ? TAPFEED_TUN : TAPFEED_TAP;
	status->ifindex = feed->link.ifindex;
	status->mtu = (uint32_t)counter_get(&injector->mtu);
	status->writer = writer_of(injector);
	status->queues = feed->queues;
	status->host_visible = feed->host_visible;
	status->queue_used = counter_get(&injector->queue_used);
	status->queue_size = feed->queue_size;
	status->peers = counter_get(&injector->peers);
	status->waits = gate_waits(&feed->gate, clock_now_ns());
	if (feed->gate.readers.fd < 0)
		return;
	status->readers = feed->gate.set.count;
	status->readers_wanted = feed->gate.readers_wanted;
}

enum control_start feedstatus_start(void *data, uint32_t *ret_waits)
{
	struct feed *feed = data;
	enum control_start result = gate_start(&feed->gate);

	*ret_waits = gate_waits(&feed->gate, clock_now_ns());
	return result;
}

void feedstatus_fill(const void *data, struct control_status *status)
{
	const struct feed *feed = data;

	if (feed->joins) {
		report_read_told(&status->report, feed->capture);
		control_text(status->joins, sizeof(status->joins), feed->joins);
	} else {
		report_read(&status->report, feed->capture, feed->injector);
		fill_interface(feed, status);
	}
	control_text(status->command, sizeof(status->command), feed->command);
	for (size_t i = 0; i < feed->source_count && i < TAPFEED_SOURCES_MAX;
	     i++)
		control_text(status->sources[status->source_count++],
			     CONTROL_TEXT_SIZE, feed->source_names[i]);
	status->state = state_of(feed);
	status->restarts = feed->restarts;
	fill_processes(feed, status);
}
