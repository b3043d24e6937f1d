/* SPDX-License-Identifier: ISC */
/*
 * Allocations that fail when a test says so: those of the library under test, by
 * the linker's --wrap (NO_MEMORY in Makefile.am), and jansson's.
 */
#ifndef TESTS_NO_MEMORY_H
#define TESTS_NO_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Gives jansson the allocations that can fail; once, before all else. */
void no_memory_init(void);

/*
 * The nth allocation from now on fails, from 1 on; where lasting, all behind it
 * too.  0: none fails.
 */
void no_memory_at(size_t n, bool lasting);

/* Has one failed since? */
bool no_memory_met(void);

#endif
