/* SPDX-License-Identifier: Apache-2.0 */
/* Filters. The expression is the user's; the packets are hostile. */
#include <config.h>

#include "capture/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "capture/linktype.h"
#include "capture/names.h"
#include "common/log.h"
#include "proto/limits.h"

/* Link types with a program of their own, more than are converted; what comes
 * beyond passes. */
#define PROGRAMS_MAX 64

struct program {
	uint32_t link_type;
	bool usable; /* false: libpcap cannot filter this link type */
	struct bpf_program code;
};

struct filter {
	const char *expression;
	struct program programs[PROGRAMS_MAX];
	size_t count;
	bool full; /* and it was said */
};

static int compile(const char *expression, uint32_t link_type, int optimize,
		   struct bpf_program *ret_code, char *error, size_t error_size)
{
	pcap_t *pcap;
	int r = 0;

	pcap = pcap_open_dead(linktype_to_dlt(link_type),
			      TAPFEED_FRAME_MAX_BYTES);
	if (!pcap)
		return -ENOMEM;
	if (pcap_compile(pcap, ret_code, expression, optimize,
			 PCAP_NETMASK_UNKNOWN) < 0) {
		snprintf(error, error_size, "%s", pcap_geterr(pcap));
		r = -EINVAL;
	}
	pcap_close(pcap);
	return r;
}

/* The program for a link type, made where it is new; NULL: none can be made. */
static const struct program *find_program(struct filter *filter,
					  uint32_t link_type)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	char name[32];
	struct program *program;

	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].link_type == link_type)
			return &filter->programs[i];
	if (filter->count == PROGRAMS_MAX) {
		if (!filter->full)
			log_warning("the filter is for %u link types: packets "
				    "of others pass unfiltered",
				    PROGRAMS_MAX);
		filter->full = true;
		return NULL;
	}
	program = &filter->programs[filter->count++];
	program->link_type = link_type;
	/* The optimiser refuses what no packet of this link type can match. */
	program->usable = compile(filter->expression, link_type, 0,
				  &program->code, error, sizeof(error)) == 0;
	if (!program->usable) {
		linktype_name(link_type, name, sizeof(name));
		log_warning("the filter does not fit link type %s (%s): its "
			    "packets pass unfiltered",
			    name, error);
	}
	return program;
}

int filter_new(const char *expression, struct filter **ret_filter, char *error,
	       size_t error_size)
{
	struct filter *filter = calloc(1, sizeof(*filter));
	int r = 0;

	if (!filter)
		return -ENOMEM;
	filter->expression = expression;
	if (expression)
		r = names_init();
	if (r == 0 && expression) {
		struct program *first = &filter->programs[0];

		r = compile(expression, LINKTYPE_ETHERNET, 1, &first->code,
			    error, error_size);
		first->link_type = LINKTYPE_ETHERNET;
		first->usable = r == 0;
		filter->count = r == 0;
	}
	if (r < 0)
		filter_free(filter);
	else
		*ret_filter = filter;
	return r;
}

void filter_free(struct filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->count; i++)
		if (filter->programs[i].usable)
			pcap_freecode(&filter->programs[i].code);
	free(filter);
}

bool filter_pass(struct filter *filter, const struct packet *packet)
{
	const struct program *program;
	struct pcap_pkthdr header = {
		.caplen = packet->data_len,
		.len = packet->original_len,
	};

	if (!filter->expression)
		return true;
	program = find_program(filter, packet->link_type);
	if (!program || !program->usable)
		return true;
	return pcap_offline_filter(&program->code, &header, packet->data) != 0;
}
