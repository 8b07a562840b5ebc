/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading network interfaces. Packets are hostile; the interface may go down,
 * come up, be renamed or removed at any moment.
 */
#include <config.h>

#include "capture/source_live.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <pcap/pcap.h>

#include "capture/linktype.h"
#include "capture/names.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "proto/limits.h"

/*
 * The kernel hands a block of packets over when it is full or this old; merged
 * packets are held back for 10 ms, so theirs must be there by then.
 */
#define BLOCK_MS	 10
#define BLOCK_SEVERAL_MS 4

/*
 * A block's timer may just have missed it, and is as coarse as HZ=100: after
 * twice the timeout and this, what came before has been handed over.
 */
#define TIMER_SLACK_MS 40

/* Packets of several processors stand in the ring so much out of order. */
#define REORDER_NS (5 * NS_PER_MS)

/* Only so long after the gate, packets are older than it: clocks are set. */
#define GATE_CHECK_NS NS_PER_S

/* For emptying the ring at the gate: 64 MiB take a tenth of it. */
#define GATE_EMPTY_NS NS_PER_S

/* A removed interface wakes nobody who has heard that it is down. */
#define DOWN_LOOK_NS (50 * NS_PER_MS)

/* Packets thrown away before the caller gets a turn. */
#define TURN_PACKETS 4096

/* With more interfaces than this, a list of them is no help. */
#define LIST_MAX 12

/* Interface names, escaped. */
#define SHOWN_SIZE 64

enum state {
	STATE_CLOSED,	/* before the gate: nothing counts */
	STATE_OPEN,	/* the gate is open */
	STATE_STOPPING, /* what came before the stop */
	STATE_ENDED,
};

struct live {
	struct source source; /* first */
	pcap_t *pcap;
	unsigned int index; /* of the interface */
	uint32_t link_type;
	enum state state;
	bool down;		/* as far as is known */
	uint64_t hand_over_ns;	/* by then, what came is in our hands */
	uint64_t gate_time_ns;	/* CLOCK_REALTIME: older packets go ... */
	uint64_t gate_check_ns; /* ... until then (CLOCK_MONOTONIC) */
	uint64_t stop_time_ns;	/* CLOCK_REALTIME */
	uint64_t stop_ns;	/* what came is in our hands */
	uint64_t stop_deadline_ns;
	uint64_t gone_ns; /* the same; 0: the interface is there */
	uint64_t look_ns; /* while down */
	uint64_t dropped;
};

/* A source of this kind is the first member of its struct live. */
static struct live *live_of(struct source *source)
{
	return (struct live *)source;
}

static const struct live *live_of_const(const struct source *source)
{
	return (const struct live *)source;
}

/* ---- opening ------------------------------------------------------------- */

/* ", but eth0, lo": what exists, where that fits. */
static void list_interfaces(char *buf, size_t size)
{
	struct if_nameindex *all = if_nameindex();
	size_t n = 0, len = 0;

	*buf = '\0';
	while (all && all[n].if_index)
		n++;
	for (size_t i = 0; i < n && n <= LIST_MAX && len < size; i++) {
		char shown[SHOWN_SIZE];

		escape_text(shown, sizeof(shown), all[i].if_name,
			    strlen(all[i].if_name));
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
					i ? ", " : "; there are: ", shown);
	}
	if_freenameindex(all);
}

/*
 * The index of interface name; 0, with the line in error, where it is none:
 * libpcap would take names of its own kinds (usbmon0, nflog), the kernel
 * "eth0:x" for eth0.
 */
static unsigned int find_interface(const char *name, const char *shown,
				   char *error, size_t error_size)
{
	char list[256];
	unsigned int index = 0;

	if (strcmp(name, "any") == 0) {
		snprintf(error, error_size,
			 "any: would see the feed's own interface again; name "
			 "the interfaces to capture instead");
		return 0;
	}
	if (!strchr(name, ':'))
		index = if_nametoindex(name);
	if (index == 0) {
		list_interfaces(list, sizeof(list));
		snprintf(error, error_size, "%s: no such interface%s", shown,
			 list);
	}
	return index;
}

/* One line for a refusal of pcap_activate(3PCAP); the exit status. */
static int explain_refusal(pcap_t *pcap, int refusal, const char *shown,
			   char *error, size_t error_size)
{
	static const struct {
		int refusal;
		int status;
		const char *line;
	} rows[] = {
		{ PCAP_ERROR_PERM_DENIED, TAPFEED_EXIT_PERMISSION,
		  "no permission to capture from it: that takes CAP_NET_RAW; "
		  "run tapfeed as root, or set the file's (make "
		  "install-setcap)" },
		{ PCAP_ERROR_PROMISC_PERM_DENIED, TAPFEED_EXIT_PERMISSION,
		  "no permission for promiscuous mode: run tapfeed as root, or "
		  "with --no-promiscuous" },
		{ PCAP_ERROR_NO_SUCH_DEVICE, TAPFEED_EXIT_USAGE,
		  "no such interface: it was removed just now" },
	};
	const char *words = pcap_geterr(pcap);

	if (refusal == PCAP_ERROR_IFACE_NOT_UP) {
		snprintf(error, error_size, "%s is down: ip link set %s up",
			 shown, shown);
		return TAPFEED_EXIT_USAGE;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].refusal != refusal)
			continue;
		snprintf(error, error_size, "%s: %s", shown, rows[i].line);
		return rows[i].status;
	}
	if (refusal != PCAP_ERROR || !*words)
		words = pcap_statustostr(refusal);
	snprintf(error, error_size, "%s: %s%s", shown, words,
		 strstr(words, "rx ring") ? "; ask for a smaller ring with -B"
					  : "");
	return TAPFEED_EXIT_LOSS;
}

/* The interface that a packet socket is bound to, -1 once that is removed;
 * -EINVAL where it is no packet socket. */
static int bound_to(int fd)
{
	struct sockaddr_ll address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
	    address.sll_family != AF_PACKET)
		return -EINVAL;
	return address.sll_ifindex;
}

static void set_options(pcap_t *pcap, const struct options *options,
			bool several)
{
	/* They fail on active handles only; precision is checked later. */
	pcap_set_snaplen(pcap, options->snaplen ? (int)options->snaplen
						: (int)TAPFEED_FRAME_MAX_BYTES);
	pcap_set_promisc(pcap, !options->no_promiscuous);
	pcap_set_timeout(pcap, several ? BLOCK_SEVERAL_MS : BLOCK_MS);
	pcap_set_immediate_mode(pcap, options->immediate);
	pcap_set_buffer_size(pcap, (int)(options->buffer_kib * 1024));
	pcap_set_tstamp_precision(pcap, PCAP_TSTAMP_PRECISION_NANO);
}

/* Activates live->pcap and checks what came of it. 0 or the exit status. */
static int activate(struct live *live, const char *shown, char *error,
		    size_t error_size)
{
	char words[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = live->pcap;
	int r = pcap_activate(pcap);

	if (r < 0)
		return explain_refusal(pcap, r, shown, error, error_size);
	if (r > 0)
		log_warning("%s: %s", shown,
			    *pcap_geterr(pcap) ? pcap_geterr(pcap)
					       : pcap_statustostr(r));
	live->source.fd = pcap_fileno(pcap);
	/* A name of ours may still be one of libpcap's other kinds. */
	if (bound_to(live->source.fd) != (int)live->index) {
		snprintf(error, error_size,
			 "%s: libpcap takes this name for something else than "
			 "the interface; rename it",
			 shown);
		return TAPFEED_EXIT_USAGE;
	}
	if (pcap_setnonblock(pcap, 1, words) < 0 ||
	    pcap_get_tstamp_precision(pcap) != PCAP_TSTAMP_PRECISION_NANO) {
		snprintf(error, error_size,
			 "%s: libpcap can neither read it without waiting nor "
			 "in nanoseconds",
			 shown);
		return TAPFEED_EXIT_LOSS;
	}
	live->link_type = linktype_of_dlt(pcap_datalink(pcap));
	return 0;
}

static int live_next(struct source *source, struct packet *ret_packet);
static bool live_ready(const struct source *source);
static void live_explain(const struct source *source, int error, char *buf,
			 size_t size);
static void live_free(struct source *source);

static const struct source_ops live_ops = {
	.next = live_next,
	.ready = live_ready,
	.explain = live_explain,
	.free = live_free,
};

int source_live_open(const char *name, const struct options *options,
		     bool several, struct source **ret_source, char *error,
		     size_t error_size)
{
	char words[PCAP_ERRBUF_SIZE] = "";
	char shown[SHOWN_SIZE];
	unsigned int index;
	struct live *live;
	int r;

	escape_text(shown, sizeof(shown), name, strlen(name));
	index = find_interface(name, shown, error, error_size);
	if (index == 0)
		return TAPFEED_EXIT_USAGE;
	live = calloc(1, sizeof(*live));
	if (live)
		live->pcap = pcap_create(name, words);
	if (!live || !live->pcap) {
		snprintf(error, error_size, "%s: %s", shown,
			 live ? words : log_errno(ENOMEM));
		free(live);
		return TAPFEED_EXIT_LOSS;
	}
	live->source = (struct source){ .ops = &live_ops, .fd = -1 };
	live->index = index;
	live->hand_over_ns = TIMER_SLACK_MS * NS_PER_MS;
	if (!options->immediate)
		live->hand_over_ns +=
			2 * NS_PER_MS * (several ? BLOCK_SEVERAL_MS : BLOCK_MS);
	set_options(live->pcap, options, several);
	r = activate(live, shown, error, error_size);
	if (r != 0)
		live_free(&live->source);
	else
		*ret_source = &live->source;
	return r;
}

static void live_free(struct source *source)
{
	struct live *live = live_of(source);

	pcap_close(live->pcap); /* the fd too */
	free(live);
}

/* ---- the filter ---------------------------------------------------------- */

int source_live_filter(struct source *source, const char *expression,
		       char *error, size_t error_size)
{
	struct live *live = live_of(source);
	struct bpf_program code;
	const int on = 1;
	int r = 0;

	r = names_init();
	if (r < 0) {
		snprintf(error, error_size, "%s", log_errno(-r));
		return -EINVAL;
	}
	/* Without an expression too: the program cuts packets to the snaplen,
	 * which spares the ring. */
	if (pcap_compile(live->pcap, &code, expression ? expression : "", 1,
			 PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, error_size, "%s", pcap_geterr(live->pcap));
		return -EINVAL;
	}
	if (pcap_setfilter(live->pcap, &code) < 0)
		r = -EIO;
	else if (setsockopt(source->fd, SOL_SOCKET, SO_LOCK_FILTER, &on,
			    sizeof(on)) < 0)
		r = -errno;
	if (r < 0)
		snprintf(error, error_size, "%s",
			 r == -EIO ? pcap_geterr(live->pcap) : log_errno(-r));
	pcap_freecode(&code);
	return r;
}

/* ---- reading ------------------------------------------------------------- */

/*
 * libpcap has an error. One that goes on is no error: it asks for the state of
 * an interface that is down by the name that it had once.
 */
static int reading_failed(struct live *live, uint64_t now_ns)
{
	int index = bound_to(live->source.fd);

	if (index == (int)live->index && live->down)
		return SOURCE_WAIT;
	if (index != -1)
		return -EIO;
	/* Its last packets may still be in a block that is not handed over. */
	if (live->gone_ns == 0)
		live->gone_ns = now_ns + live->hand_over_ns;
	return now_ns < live->gone_ns ? SOURCE_WAIT : -ENODEV;
}

/* One packet out of the ring, as source_next(). */
static int read_ring(struct live *live, struct packet *ret_packet)
{
	/* Before the look at the ring: what came until now is in it. */
	uint64_t now_ns = 0;
	struct pcap_pkthdr *header;
	const u_char *data;
	int r;

	if (live->state == STATE_STOPPING || live->down)
		now_ns = clock_now_ns();
	r = pcap_next_ex(live->pcap, &header, &data);
	if (r == 1) {
		live->down = false;
		/* tv_usec holds nanoseconds. */
		*ret_packet = (struct packet){
			.data = data,
			.data_len = header->caplen,
			.captured_len = header->caplen,
			.original_len = header->len,
			.link_type = live->link_type,
			.time_ns = (uint64_t)header->ts.tv_sec * NS_PER_S +
				   (uint64_t)header->ts.tv_usec,
		};
		return SOURCE_PACKET;
	}
	/* That is what it stands for: libpcap wants to be asked again. */
	live->down = pcap_get_required_select_timeout(live->pcap) != NULL;
	if (now_ns == 0 && live->down)
		now_ns = clock_now_ns();
	live->look_ns = now_ns + DOWN_LOOK_NS;
	r = r < 0 ? reading_failed(live, now_ns) : SOURCE_WAIT;
	if (r == SOURCE_WAIT && live->state == STATE_STOPPING &&
	    (now_ns >= live->stop_ns || now_ns >= live->stop_deadline_ns))
		return SOURCE_END;
	return r;
}

/* Whether a packet came while the gate was open. *ret_end: so did all that
 * follow, but after it was shut. */
static bool is_wanted(struct live *live, const struct packet *packet,
		      bool *ret_end)
{
	*ret_end = false;
	if (live->gate_check_ns != 0) {
		if (clock_now_ns() >= live->gate_check_ns)
			live->gate_check_ns = 0;
		else if (packet->time_ns < live->gate_time_ns)
			return false;
	}
	if (live->state != STATE_STOPPING)
		return live->state == STATE_OPEN;
	*ret_end = packet->time_ns >= live->stop_time_ns + REORDER_NS ||
		   clock_now_ns() >= live->stop_deadline_ns;
	return !*ret_end && packet->time_ns < live->stop_time_ns;
}

static int live_next(struct source *source, struct packet *ret_packet)
{
	struct live *live = live_of(source);
	int r = live->state == STATE_ENDED ? SOURCE_END : SOURCE_WAIT;

	for (int i = 0; r == SOURCE_WAIT && i < TURN_PACKETS; i++) {
		struct packet packet;
		bool end = false;

		r = read_ring(live, &packet);
		if (r == SOURCE_WAIT)
			break;
		if (r != SOURCE_PACKET || is_wanted(live, &packet, &end)) {
			if (r == SOURCE_PACKET)
				*ret_packet = packet;
			break;
		}
		r = end ? SOURCE_END : SOURCE_WAIT;
	}
	if (r < 0 || r == SOURCE_END)
		live->state = STATE_ENDED;
	return r;
}

static bool live_ready(const struct source *source)
{
	struct pollfd fd = { .fd = source->fd, .events = POLLIN };

	if (live_of_const(source)->state == STATE_ENDED ||
	    clock_now_ns() >= source_live_next_ns(source))
		return true;
	return fd_poll(&fd, 1, 0) > 0;
}

static void live_explain(const struct source *source, int error, char *buf,
			 size_t size)
{
	const struct live *live = live_of_const(source);

	if (error == -ENODEV)
		snprintf(buf, size, "the interface was removed");
	else
		snprintf(buf, size, "reading packets failed: %s",
			 pcap_geterr(live->pcap));
}

/* ---- start and stop ------------------------------------------------------ */

/* The kernel sets its count to 0 with each look. */
static void count_dropped(struct live *live)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (getsockopt(live->source.fd, SOL_PACKET, PACKET_STATISTICS, &stats,
		       &len) == 0)
		live->dropped += stats.tp_drops;
}

void source_live_start(struct source *source)
{
	struct live *live = live_of(source);
	uint64_t began_ns = clock_real_ns();
	uint64_t limit_ns = clock_now_ns() + GATE_EMPTY_NS;
	struct packet packet;

	/* A ring that is full at this moment would drop what comes next. */
	while (read_ring(live, &packet) == SOURCE_PACKET &&
	       packet.time_ns < began_ns && clock_now_ns() < limit_ns)
		;
	count_dropped(live);
	live->dropped = 0;
	live->gate_time_ns = clock_real_ns();
	live->gate_check_ns = clock_now_ns() + GATE_CHECK_NS;
	live->state = STATE_OPEN;
}

void source_live_stop(struct source *source, uint64_t deadline_ns)
{
	struct live *live = live_of(source);

	if (live->state == STATE_CLOSED)
		live->state = STATE_ENDED;
	if (live->state != STATE_OPEN)
		return;
	live->stop_time_ns = clock_real_ns();
	live->stop_ns = clock_now_ns() + live->hand_over_ns;
	live->stop_deadline_ns = deadline_ns;
	live->state = STATE_STOPPING;
}

uint64_t source_live_next_ns(const struct source *source)
{
	const struct live *live = live_of_const(source);
	uint64_t next_ns = CLOCK_NEVER;

	/* Nothing more comes: it must not keep others' callers awake. */
	if (live->state == STATE_ENDED)
		return CLOCK_NEVER;
	if (live->state == STATE_STOPPING)
		next_ns = live->stop_ns < live->stop_deadline_ns
				  ? live->stop_ns
				  : live->stop_deadline_ns;
	if (live->down && live->look_ns < next_ns)
		next_ns = live->look_ns;
	return next_ns;
}

uint64_t source_live_dropped(struct source *source)
{
	struct live *live = live_of(source);

	if (live->state == STATE_CLOSED)
		return 0;
	count_dropped(live);
	return live->dropped;
}
