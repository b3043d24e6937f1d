/* SPDX-License-Identifier: ISC */
/*
 * The raw options that are safe to lend: gen_tcp's {raw, Protocol, Option, Value}
 * hands anything to [gs]etsockopt(2), but the daemon serves many, with rights of
 * its own, from one loop.  So there is a table.  None of its rows has a pointer in
 * its value; none makes a call block, takes an error away from the loop, lets a
 * listener share or steal a port, or lends a right to who has it not.
 */
#ifndef PROTO_RAW_H
#define PROTO_RAW_H

#include <stddef.h>

/* Who may set it; everybody may ask for every row. */
enum raw_set {
	RAW_NOT, /* nobody */
	RAW_ANYBODY,
	RAW_PRIORITY, /* as the option priority: 0 to 6, or root's clients */
	RAW_ROOT      /* clients of root and of the daemon's own user */
};

struct raw_row {
	int level, name;  /* for [gs]etsockopt(2) */
	const char *text; /* "IPPROTO_TCP TCP_NODELAY" */
	enum raw_set set;
	size_t size; /* the most bytes that are taken to set it, OPTION_RAW_MAX or less */
};

/* The row of an option, or NULL: then it may be neither set nor asked for. */
const struct raw_row *raw_find(int level, int name);

/* The row with that index, from 0 on; NULL behind the last. */
const struct raw_row *raw_row(size_t index);

#endif
