/* SPDX-License-Identifier: ISC */
/* The lines that were typed, in a file that nobody else may read. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <histedit.h>

/*
 * The file is $GENTCP_HISTORY, none if that is empty; else gentcp-cli/history in
 * $XDG_STATE_HOME or in ~/.local/state.  That it cannot be read or written is not
 * said.
 */
void history_load(History *h);
void history_save(History *h);

#endif
