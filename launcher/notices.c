/* SPDX-License-Identifier: Apache-2.0 */
/* What processes say of themselves. Input is hostile: any bytes. */
#include <config.h>

#include "launcher/notices.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/ifname.h"
#include "common/log.h"
#include "launcher/feedstatus.h"
#include "launcher/pagelink.h"
#include "launcher/progress.h"

/* Notifications of one child in one turn. */
#define NOTIFY_TURN 8

/* A source that would see the feed's own packets again: the feed ends. */
void notices_check_loop(struct feed *feed)
{
	const char *source =
		sourcewatch_loop(&feed->sources, feed->link.ifindex,
				 feed->host_visible);

	if (!source || feed->deadline_ns != CLOCK_NEVER)
		return;
	progress_clear();
	log_error("%s carries what is written to %s (it is a bridge, bond or "
		  "VLAN device that holds it%s): captured again, the packets "
		  "would go round for ever; the feed ends",
		  source, feed->interface,
		  feed->host_visible ? ", or in the same bridge" : "");
	feed->failed = true;
	feed_stop(feed);
}

static void say_remark(struct feed *feed)
{
	if (feed->remark)
		log_info("%s", feed->remark);
	feed->remark = NULL;
}

/* Another feed has its name in the runtime directory, in a network namespace of
 * its own: tapfeed start would mean that one, and this one wait for ever. */
static bool check_startable(struct feed *feed)
{
	if (!feed->gate.for_start || feed->status.named)
		return true;
	log_error("tapfeed start would not find %s, and nothing else lets it "
		  "begin (--wait-for-start): give it another --name",
		  feed->interface);
	feed->failed = true;
	feed_stop(feed);
	return false;
}

static void say_up(struct feed *feed)
{
	char *name = feed->interface;
	unsigned int ifindex;

	if (feed->up || !feed->ready ||
	    (feed->wait_for_capture && !feed->capturing) ||
	    !pagelink_read(feed->injector, feed->name, name, &ifindex))
		return;
	feed->up = true;
	/* Before the line: who has read it may ask. */
	feedstatus_listen(feed);
	log_info("%s is up (%s, mtu %llu%s)", name, feed->what,
		 (unsigned long long)counter_get(&feed->injector->mtu),
		 feed->host_visible ? ", host-visible" : "");
	if (feed->startup_delay_ns >= NS_PER_S)
		log_info("the first packet goes out in %.1f s%s",
			 (double)feed->startup_delay_ns / (double)NS_PER_S,
			 gate_holds(&feed->gate) ? " at the earliest" : "");
	say_remark(feed);
	linkwatch_set(&feed->link, ifindex);
	notices_check_loop(feed);
	if (check_startable(feed))
		gate_ready(feed);
}

static void on_ready(struct feed *feed)
{
	if (feed->ready && feed->restarts > 0) {
		progress_clear();
		log_info("%s goes on", feed->interface);
	}
	feed->ready = true;
	if (feed->up) /* a new injector */
		gate_ready(feed);
	say_up(feed);
}

static void on_capturing(struct feed *feed)
{
	if (feed->joins && !feed->capturing) {
		log_info("feeding the tapfeed behind %s", feed->joins);
		say_remark(feed);
	}
	feed->capturing = true;
	if (feed->joins)
		feedstatus_listen(feed);
	say_up(feed);
}

/* Capture's feed broke: its injector died, or closed it. */
static void on_lost(struct feed *feed)
{
	if (feed->joins && feed->deadline_ns == CLOCK_NEVER) {
		progress_clear();
		log_error("the feed behind %s has %s", feed->joins,
			  feed->capturing
				  ? "ended"
				  : "refused this capture or ended: its own "
				    "messages say why");
		feed->failed = true;
		feed_stop(feed);
	} else if (feed->lost_ns == CLOCK_NEVER) {
		feed->lost_ns = clock_now_ns() + FEED_LOST_NS;
	}
}

static void on_done(struct feed *feed)
{
	feed->done = true;
}

/* The injector asks capture to end: our own does so because we do. */
static void on_stopped(struct feed *feed)
{
	if (!feed->joins || feed->stop_signal)
		return;
	progress_clear();
	log_error("the feed behind %s has ended: nothing more can be fed",
		  feed->joins);
	feed->failed = true;
}

static void on_new(struct feed *feed)
{
	feed->lost_ns = CLOCK_NEVER;
}

static void on_deleted(struct feed *feed)
{
	feed->deleted = true;
}

/* The interface that another tapfeed's injector writes to. */
static void on_joined(struct feed *feed, const char *text, size_t len)
{
	char name[TAPFEED_IFNAME_SIZE] = "";

	if (!feed->joins || len >= sizeof(name))
		return;
	memcpy(name, text, len);
	if (!ifname_valid(name))
		return;
	memcpy(feed->interface, name, sizeof(name));
	linkwatch_set(&feed->link, sourcewatch_index(&feed->sources, name));
	sourcewatch_look(&feed->sources, progress_clear, false);
	notices_check_loop(feed);
}

/* What a process may say, and what follows. Anything else is passed over. */
static const struct {
	const char *line;
	enum feed_child child;
	void (*act)(struct feed *feed);
} notices[] = {
	{ "READY=1", FEED_INJECTOR, on_ready },
	{ "ERRNO=77", FEED_INJECTOR, on_deleted }, /* EBADFD */
	{ "STATUS=capturing", FEED_CAPTURE, on_capturing },
	{ "X_FEED=lost", FEED_CAPTURE, on_lost },
	{ "X_FEED=stopped", FEED_CAPTURE, on_stopped },
	{ "X_FEED=new", FEED_CAPTURE, on_new },
	{ "X_FEED=done", FEED_CAPTURE, on_done },
};

/* Acts on one line of a notification, which need not end in NUL. */
static void on_notify_line(struct feed *feed, enum feed_child child,
			   const char *line, size_t len)
{
	static const char ready[] = "READY=1";
	static const char stopping[] = "STOPPING=1";
	static const char joined[] = "X_INTERFACE=";
	const size_t prefix = sizeof(joined) - 1;

	if (child == FEED_CAPTURE && len > prefix &&
	    memcmp(line, joined, prefix) == 0)
		on_joined(feed, line + prefix, len - prefix);
	if (len == sizeof(ready) - 1 && memcmp(line, ready, len) == 0)
		feed->processes[child].ready = true;
	if (len == sizeof(stopping) - 1 && memcmp(line, stopping, len) == 0)
		feed->processes[child].stopping = true;
	for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++)
		if (notices[i].child == child &&
		    strlen(notices[i].line) == len &&
		    memcmp(line, notices[i].line, len) == 0)
			notices[i].act(feed);
}

void notices_read(struct feed *feed, enum feed_child child)
{
	struct feed_process *process = &feed->processes[child];
	char text[512];

	for (int i = 0; i < NOTIFY_TURN; i++) {
		/* recv, not recvmsg: descriptors sent along are dropped. */
		ssize_t n = recv(process->notify_fd, text, sizeof(text),
				 MSG_DONTWAIT);
		const char *line = text;

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			fd_close(&process->notify_fd);
		if (n <= 0)
			return;
		while (line < text + n) {
			size_t rest = (size_t)(text + n - line);
			const char *end = memchr(line, '\n', rest);
			size_t len = end ? (size_t)(end - line) : rest;

			on_notify_line(feed, child, line, len);
			line += len + 1;
		}
	}
}
