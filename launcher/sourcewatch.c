/* SPDX-License-Identifier: Apache-2.0 */
/* Watching sources. Names come from the caller, states from the kernel. */
#include <config.h>

#include "launcher/sourcewatch.h"

#include <libmnl/libmnl.h>
#include <net/if.h>
#include <string.h>

#include "common/log.h"

static void add(struct sourcewatch *watch, const char *name)
{
	const struct links_entry *entry;
	size_t i = watch->count;

	if (strlen(name) >= TAPFEED_IFNAME_SIZE)
		return;
	strcpy(watch->sources[i].name, name);
	watch->sources[i].ifindex = if_nametoindex(name);
	entry = links_find(&watch->links, watch->sources[i].ifindex);
	watch->sources[i].down = entry && !entry->up;
	watch->count++;
}

int sourcewatch_init(struct sourcewatch *watch, const char *const *names,
		     size_t n)
{
	int r;

	*watch = (struct sourcewatch){ 0 };
	r = links_init(&watch->links);
	if (r == 0)
		r = links_load(&watch->links);
	for (size_t i = 0; r == 0 && i < n; i++)
		add(watch, names[i]);
	return r;
}

void sourcewatch_done(struct sourcewatch *watch)
{
	links_done(&watch->links);
}

int sourcewatch_fd(const struct sourcewatch *watch)
{
	return watch->links.socket ? mnl_socket_get_fd(watch->links.socket)
				   : -1;
}

static void look_at(struct sourcewatch *watch, size_t i, void (*before)(void),
		    bool waiting)
{
	char *name = watch->sources[i].name;
	const struct links_entry *now =
		links_find(&watch->links, watch->sources[i].ifindex);
	bool renamed = now && strcmp(now->name, name) != 0;
	bool turned = now && now->up == watch->sources[i].down;

	if (!now && waiting) { /* capture does not read before the gate opens */
		if (before)
			before();
		log_warning("%s was removed: nothing will come from it", name);
	}
	if (!now) { /* capture says so, and ends */
		watch->sources[i].ifindex = 0;
		return;
	}
	if (before && (renamed || turned))
		before();
	if (renamed) {
		log_info("%s is called %s now", name, now->name);
		memcpy(name, now->name, TAPFEED_IFNAME_SIZE);
	}
	if (turned && now->up)
		log_info("%s is up again", name);
	else if (turned)
		log_warning("%s is down: nothing comes from it until it is up "
			    "again (ip link set %s up)",
			    name, name);
	watch->sources[i].down = !now->up;
}

void sourcewatch_look(struct sourcewatch *watch, void (*before)(void),
		      bool waiting)
{
	if (watch->count == 0 || links_load(&watch->links) < 0)
		return;
	for (size_t i = 0; i < watch->count; i++)
		if (watch->sources[i].ifindex)
			look_at(watch, i, before, waiting);
}

unsigned int sourcewatch_index(struct sourcewatch *watch, const char *name)
{
	/* if_nametoindex(3) would need a socket, which we may not open. */
	if (links_load(&watch->links) < 0)
		return 0;
	for (size_t i = 0; i < watch->links.count; i++)
		if (strcmp(watch->links.entries[i].name, name) == 0)
			return watch->links.entries[i].ifindex;
	return 0;
}

const char *sourcewatch_loop(const struct sourcewatch *watch,
			     unsigned int ifindex, bool host_visible)
{
	for (size_t i = 0; i < watch->count && ifindex; i++) {
		unsigned int source = watch->sources[i].ifindex;

		if (source && (links_carries(&watch->links, source, ifindex) ||
			       (host_visible &&
				links_bridged(&watch->links, source, ifindex))))
			return watch->sources[i].name;
	}
	return NULL;
}

uint64_t sourcewatch_frames(struct sourcewatch *watch, unsigned int ifindex)
{
	const struct links_entry *entry;

	if (links_load(&watch->links) < 0)
		return 0;
	entry = links_find(&watch->links, ifindex);
	return entry ? entry->rx_frames : 0;
}
