/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of every program, in one table: tapfeed reads the command line by
 * it, hands each option on to the process it concerns, which reads it by the
 * same row; --help, the man page check and (later) the configuration file are
 * made from it too.
 */
#ifndef TAPFEED_COMMON_OPTIONS_H
#define TAPFEED_COMMON_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

/* Who takes an option: a command of tapfeed, or a process behind it. */
enum options_scope {
	OPTIONS_REPLAY = 1 << 0,
	OPTIONS_INJECTOR = 1 << 1,
	OPTIONS_CAPTURE = 1 << 2,
	OPTIONS_LIVE = 1 << 3,
	OPTIONS_STATUS = 1 << 4,
	OPTIONS_START = 1 << 5,
	/* No process: those of an interface of one's own that tapfeed keeps. */
	OPTIONS_GATE = 1 << 6,
	OPTIONS_PACE = 1 << 7, /* nobody: a mark on what sets the pace */
	OPTIONS_TAKE = 1 << 8, /* and on what takes a source to mean anything */
};

enum when_full {
	WHEN_FULL_WAIT, /* nothing is lost: the source waits */
	WHEN_FULL_DROP, /* the source never waits: what does not fit is counted
			 */
};

/* When the last reader is gone. */
enum no_reader {
	NO_READER_CONTINUE,
	NO_READER_PAUSE,
	NO_READER_EXIT,
};

/* What becomes of frames that are longer than the MTU, ... */
enum oversize {
	OVERSIZE_KEEP,
	OVERSIZE_SEGMENT, /* cut as the sender's network card would have */
	OVERSIZE_DROP,
};

/* ... have unfinished checksums, ... */
enum checksums {
	CHECKSUMS_KEEP,
	CHECKSUMS_FIX,
	CHECKSUMS_TRUST, /* readers are told that they are unfinished */
};

/* ... or were cut when they were captured. */
enum truncated {
	TRUNCATED_KEEP,
	TRUNCATED_PAD, /* zeros, up to the length that they had */
	TRUNCATED_DROP,
};

#define OPTIONS_ROWS_MAX 64

struct options {
	char name[TAPFEED_IFNAME_SIZE];
	enum tapfeed_kind kind;
	uint8_t mac[6]; /* all zero: a random one */
	/* Of frames whose packets bring none: source, destination. */
	uint8_t synthetic_mac[2][6];
	uint32_t mtu;	    /* 0: auto, as long as nobody has found it out */
	uint32_t queues;    /* of the interface */
	bool host_visible;  /* without the shield */
	const char *filter; /* NULL: none */
	uint32_t snaplen;   /* bytes; 0: whole packets */
	enum oversize oversize;
	enum checksums checksums;
	enum truncated truncated;
	uint32_t queue_size; /* packets */
	enum when_full when_full;
	uint64_t count;	      /* packets; 0: all */
	uint64_t duration_ns; /* from the first packet's gate; 0: no end */
	uint64_t startup_delay_ns;
	uint64_t linger_ns; /* with linger_auto: at most */
	bool linger_auto;   /* until readers have read all */
	uint64_t settle_ns; /* readers are there, unchanged for so long */
	bool wait_for_reader;
	uint32_t readers; /* so many */
	enum no_reader no_reader;
	bool wait_for_start;	   /* tapfeed start */
	const char *ready_socket;  /* READY=1 comes there; NULL: none */
	const char *wait_for_file; /* it comes; NULL: none */
	bool hold; /* the injector's own: tapfeed says when the gate opens */
	bool replay_timing;  /* see options_timed() */
	uint64_t speed_ppm;  /* of the recorded times, in millionths; 0: not
				given */
	uint64_t max_gap_ns; /* between two packets; 0: none is cut */
	uint64_t pps;	     /* 0: not by these */
	uint64_t bitrate;    /* bits of frames a second; 0: not by these */
	uint64_t burst; /* frames with pps, bytes with bitrate; 0: not given
			 */
	uint64_t loop_gap_ns; /* between two passes */
	uint64_t loop;	      /* passes; 0: for ever */
	uint32_t buffer_kib;  /* of each live ring */
	bool require_ring;    /* no write(2) in its place */
	bool no_ring;	      /* write(2) whatever there is */
	bool immediate;	      /* each packet at once, not in blocks */
	bool no_promiscuous;
	uint64_t stats_ns;     /* between two report lines; 0: none */
	const char *feed_path; /* further captures connect there; NULL: none */
	const char *join; /* the feed_path of another tapfeed; NULL: none */
	/* Capture's own: interfaces, or the names of the files that came. */
	const char *sources[TAPFEED_SOURCES_MAX];
	size_t source_count;
	bool live; /* sources are interfaces */
	/* Capture only looks for the MTU that the files need of such an
	 * interface; 0: it captures. */
	enum tapfeed_kind scan;
	bool watch;
	bool busy_poll; /* spin instead of sleeping */
	bool json;
	bool strict;
	bool quiet;
	bool verbose;
	bool help;
	bool version;
	/* As given, by row of the table, to be handed on; NULL: not given. */
	const char *given[OPTIONS_ROWS_MAX];
};

/*
 * Reads argv[1] on by the rows of scope, defaults first. Operands are moved to
 * the end (getopt_long(3)); returns the index of the first. On wrong usage
 * returns -EINVAL and puts one line, which says what is wrong and what would be
 * right, to error. Texts in options point into argv.
 */
int options_parse(int argc, char **argv, unsigned int scope,
		  struct options *options, char *error, size_t error_size);

/*
 * Makes argv for a process that takes scope: program first, each given option
 * as "--name=value", then "--source=NAME" for each of options->sources where
 * scope takes it, NULL last. Allocated, for the life of the program; NULL where
 * there is no memory.
 */
char **options_argv(const struct options *options, unsigned int scope,
		    const char *program);

/*
 * The name of an option that was given and is of scope but not of besides; NULL
 * where there is none.
 */
const char *options_given(const struct options *options, unsigned int scope,
			  unsigned int besides);

/* Whether the option of that name was given. */
bool options_is_given(const struct options *options, const char *name);

/* Whether a command of that scope has an option of that name, of len bytes. */
bool options_has(unsigned int scope, const char *name, size_t len);

/* What --mtu auto came to: handed on in its place. */
void options_set_mtu(struct options *options, uint32_t mtu);

/* Whether packets go by their recorded times: any of three options says so. */
static inline bool options_timed(const struct options *options)
{
	return options->replay_timing || options->speed_ppm > 0 ||
	       options->max_gap_ns > 0;
}

/* Prints the rows of scope to standard output, as --help shows them. */
void options_help(unsigned int scope);

#endif
