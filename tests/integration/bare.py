#!/usr/bin/python3
# SPDX-License-Identifier: ISC
import json, os, socket, sys

daemon = socket.socket(socket.AF_UNIX)
daemon.connect(os.environ["GENTCPD_SOCKET"])
lines = daemon.makefile("rw")

def call(method, **params):
    print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}), file=lines, flush=True)
    return json.loads(lines.readline())["result"]

s = call("gen_tcp.connect", address=sys.argv[1], port=int(sys.argv[2]), options={"active": False})["socket"]
call("gen_tcp.send", socket=s, data="Some Data")
print(call("gen_tcp.recv", socket=s, length=0)["data"])
