/* SPDX-License-Identifier: ISC */
/*
 * proto/openrpc.json, without its line ends and indents, as the Makefile made it a
 * string: what rpc.discover answers is not read, written or even copied at the
 * daemon's start.
 */
#ifndef RPC_OPENRPC_H
#define RPC_OPENRPC_H

#include <stddef.h>

extern const char openrpc_document[];
extern const size_t openrpc_len; /* without the NUL */

#endif
