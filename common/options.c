/* SPDX-License-Identifier: Apache-2.0 */
/* What is made from the option table. Input: arguments of any caller. */
#include <config.h>

#include "common/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/escape.h"
#include "common/options_internal.h"

/* How wide the options are in --help; longer ones stand alone. */
#define HELP_COLUMN 25

/* getopt_long's val for row i: above every letter. */
#define ROW_VAL(i) ((int)(i) + 256)

/* A value as it may be shown: any caller's argument. */
static const char *shown(const char *text)
{
	static char buf[80];

	escape_text(buf, sizeof(buf), text, strlen(text));
	return buf;
}

static void *field_of(const struct options_row *row, struct options *options)
{
	return (char *)options + row->offset;
}

static const char *fallback_of(const struct options_row *row,
			       unsigned int scope)
{
	return (scope & OPTIONS_LIVE) && row->live_fallback ? row->live_fallback
							    : row->fallback;
}

static void set_defaults(struct options *options, unsigned int scope)
{
	*options = (struct options){ .settle_ns = options_settle_ns };
	for (size_t i = 0; i < options_row_count; i++) {
		const char *fallback = fallback_of(&options_rows[i], scope);
		int r;

		if (!fallback)
			continue;
		r = options_rows[i].store(&options_rows[i], fallback,
					  field_of(&options_rows[i], options));
		assert(r == 0);
		(void)r;
		/* The processes behind know one default only. */
		if (fallback != options_rows[i].fallback)
			options->given[i] = fallback;
	}
}

static bool is_optional(const struct options_row *row)
{
	return row->argument && row->argument[0] == '[';
}

/* Makes getopt_long's two tables from the options_rows of scope. */
static void make_getopt(unsigned int scope, struct option *longs, char *letters)
{
	*letters++ = ':'; /* a missing argument is told apart */
	for (size_t i = 0; i < options_row_count; i++) {
		if (!(options_rows[i].scope & scope))
			continue;
		*longs++ = (struct option){
			.name = options_rows[i].name,
			.has_arg = !options_rows[i].argument ? no_argument
				   : is_optional(&options_rows[i])
					   ? optional_argument
					   : required_argument,
			.val = ROW_VAL(i),
		};
		if (!options_rows[i].letter)
			continue;
		*letters++ = options_rows[i].letter;
		if (options_rows[i].argument)
			*letters++ = ':';
	}
	*longs = (struct option){ 0 };
	*letters = '\0';
}

static const struct options_row *find_row(int val, unsigned int scope)
{
	for (size_t i = 0; i < options_row_count; i++)
		if ((options_rows[i].scope & scope) &&
		    (val == ROW_VAL(i) ||
		     (val && val == options_rows[i].letter)))
			return &options_rows[i];
	return NULL;
}

static int explain_getopt(int result, char **argv, char *error, size_t size)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		snprintf(error, size, "%s needs a value", shown(word));
	else if (optopt != 0 && optopt < 256) /* a char, so maybe below 0 */
		snprintf(error, size, "unknown option -%s",
			 shown((char[]){ (char)optopt, '\0' }));
	else if (optopt != 0)
		snprintf(error, size, "--%s takes no value",
			 options_rows[optopt - 256].name);
	else
		snprintf(error, size, "unknown option %s", shown(word));
	return -EINVAL;
}

static int store(const struct options_row *row, const char *text,
		 struct options *options, char *error, size_t error_size)
{
	if (row->store(row, text, field_of(row, options)) < 0) {
		snprintf(error, error_size, "--%s %s: must be %s", row->name,
			 shown(text), row->allowed);
		return -EINVAL;
	}
	options->given[row - options_rows] = text ? text : "";
	return 0;
}

int options_parse(int argc, char **argv, unsigned int scope,
		  struct options *options, char *error, size_t error_size)
{
	struct option longs[OPTIONS_ROWS_MAX + 1];
	char letters[2 * OPTIONS_ROWS_MAX + 2];
	int val;

	set_defaults(options, scope);
	make_getopt(scope, longs, letters);
	opterr = 0;
	optind = 0; /* GNU: start over */
	while ((val = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct options_row *row = find_row(val, scope);

		if (!row)
			return explain_getopt(val, argv, error, error_size);
		if (store(row, optarg, options, error, error_size) < 0)
			return -EINVAL;
	}
	return optind;
}

char **options_argv(const struct options *options, unsigned int scope,
		    const char *program)
{
	const size_t max = options_row_count + TAPFEED_SOURCES_MAX + 4;
	char **argv = calloc(max, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	for (size_t i = 0; i < options_row_count; i++) {
		const char *value = options->given[i];
		int r;

		if (!value || !(options_rows[i].scope & scope) ||
		    strcmp(options_rows[i].name, OPTIONS_SOURCE) == 0)
			continue;
		r = options_rows[i].argument
			    ? asprintf(&argv[n], "--%s=%s",
				       options_rows[i].name, value)
			    : asprintf(&argv[n], "--%s", options_rows[i].name);
		if (r < 0)
			return NULL;
		n++;
	}
	for (size_t i = 0;
	     i < options->source_count && (scope & OPTIONS_CAPTURE); i++)
		if (asprintf(&argv[n++], "--" OPTIONS_SOURCE "=%s",
			     options->sources[i]) < 0)
			return NULL;
	if (options->live && (scope & OPTIONS_CAPTURE))
		argv[n++] = strdup("--live");
	if (options->hold && (scope & OPTIONS_INJECTOR))
		argv[n++] = strdup("--hold");
	if (options->scan && (scope & OPTIONS_CAPTURE))
		argv[n++] = strdup(options->scan == TAPFEED_TUN ? "--scan=tun"
								: "--scan=tap");
	return argv;
}

void options_set_mtu(struct options *options, uint32_t mtu)
{
	static char text[16];

	snprintf(text, sizeof(text), "%u", mtu);
	options->mtu = mtu;
	for (size_t i = 0; i < options_row_count; i++)
		if (strcmp(options_rows[i].name, "mtu") == 0)
			options->given[i] = text;
}

const char *options_given(const struct options *options, unsigned int scope,
			  unsigned int besides)
{
	for (size_t i = 0; i < options_row_count; i++)
		if (options->given[i] &&
		    options->given[i] != options_rows[i].live_fallback &&
		    (options_rows[i].scope & scope) &&
		    !(options_rows[i].scope & besides))
			return options_rows[i].name;
	return NULL;
}

bool options_has(unsigned int scope, const char *name, size_t len)
{
	for (size_t i = 0; i < options_row_count; i++)
		if ((options_rows[i].scope & scope) && options_rows[i].help &&
		    strlen(options_rows[i].name) == len &&
		    memcmp(options_rows[i].name, name, len) == 0)
			return true;
	return false;
}

bool options_is_given(const struct options *options, const char *name)
{
	for (size_t i = 0; i < options_row_count; i++)
		if (strcmp(options_rows[i].name, name) == 0)
			return options->given[i] &&
			       options->given[i] !=
				       options_rows[i].live_fallback;
	return false;
}

void options_help(unsigned int scope)
{
	const char *title = NULL; /* not yet shown */
	const char *blank = "";

	for (size_t i = 0; i < options_row_count; i++) {
		const struct options_row *row = &options_rows[i];
		char left[64];

		title = row->section ? row->section : title;
		if (!row->help || !(row->scope & scope))
			continue;
		if (title && (scope & OPTIONS_FEED))
			printf("%s%s:\n", blank, title);
		blank = "\n";
		title = NULL;
		snprintf(left, sizeof(left), "%s%c%s --%s%s%s",
			 row->letter ? "-" : " ",
			 row->letter ? row->letter : ' ',
			 row->letter ? "," : " ", row->name,
			 row->argument && !is_optional(row) ? " " : "",
			 row->argument ? row->argument : "");
		printf("  %-*s", HELP_COLUMN, left);
		if (strlen(left) > HELP_COLUMN)
			printf("\n  %*s", HELP_COLUMN, "");
		printf(" %s", row->help);
		if (fallback_of(row, scope))
			printf(" [%s]", fallback_of(row, scope));
		putchar('\n');
	}
}
