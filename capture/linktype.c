/* SPDX-License-Identifier: Apache-2.0 */
/* Link types. Any value may come: files are hostile. */
#include <config.h>

#include "capture/linktype.h"

#include <stdio.h>

#include <pcap/pcap.h>

static const struct {
	uint32_t linktype;
	int dlt;
} differ[] = {
	{ 50, DLT_PPP_SERIAL },	  { 51, DLT_PPP_ETHER },
	{ 100, DLT_ATM_RFC1483 }, { LINKTYPE_RAW, DLT_RAW },
	{ 102, DLT_SLIP_BSDOS },  { 103, DLT_PPP_BSDOS },
	{ 106, DLT_ATM_CLIP },	  { LINKTYPE_DLT_RAW_OPENBSD, DLT_RAW },
};

uint32_t linktype_of_dlt(int dlt)
{
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].dlt == dlt)
			return differ[i].linktype;
	return (uint32_t)dlt;
}

int linktype_to_dlt(uint32_t linktype)
{
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (differ[i].linktype == linktype)
			return differ[i].dlt;
	return (int)(linktype & 0xffff);
}

void linktype_name(uint32_t linktype, char *buf, size_t size)
{
	const char *name = pcap_datalink_val_to_name(linktype_to_dlt(linktype));

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "LINKTYPE_%u", linktype);
}
