# SPDX-License-Identifier: ISC
"""proto/openrpc.json: written from the tables, served by rpc.discover, sound in itself,
and true: each of its examples is run, and each result is what its schema says."""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import tempfile

import gentcp_test as g
import jsonschema
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = json.loads((TOP / "proto/openrpc.json").read_text())


def load_check_examples():
    """tests/check_examples as a module: it runs conversations, and so are examples."""
    path = str(TOP / "tests/check_examples")
    loader = importlib.machinery.SourceFileLoader("check_examples", path)
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("check_examples", loader))
    loader.exec_module(module)
    return module


examples = load_check_examples()


def valid(value, name):
    """The value is what components/schemas says of that name."""
    resolver = jsonschema.RefResolver("", DOCUMENT)
    schema = {"$ref": "#/components/schemas/" + name}
    jsonschema.Draft7Validator(schema, resolver=resolver).validate(value)


class Client(examples.Client):
    """Passes a descriptor where a message announces one, and looks at results."""

    schemas = {m["name"]: m["result"]["schema"]["$ref"].rpartition("/")[2]
               for m in DOCUMENT["methods"]}

    def __init__(self, path):
        super().__init__(path)
        self.methods, self.peer = {}, None

    def say(self, text, attachment=None):
        message = json.loads(text)
        self.methods[message["id"]] = message["method"]
        if "fds" not in message:
            super().say(text, attachment)
            return
        with self.descriptor(message) as fd:
            socket.send_fds(self.socket, [text.encode() + b"\n"], [fd.fileno()])

    def descriptor(self, message):
        if message["method"] == "file.sendfile":
            file = tempfile.TemporaryFile()
            file.write(b"Some Data")
            file.flush()
            return file
        with socket.create_server(("127.0.0.1", 0)) as listener:
            fd = socket.create_connection(listener.getsockname())
            self.peer = listener.accept()[0]
            return fd

    def close(self):
        super().close()
        if self.peer is not None:
            self.peer.close()

    def hear(self):
        message, attachment = super().hear()
        if "result" in message:
            valid(message["result"], self.schemas[self.methods[message["id"]]])
        elif "error" in message:
            known = DOCUMENT["components"]["errors"].values()
            code = message["error"]["code"]
            assert code in [e["code"] for e in known], message
            if code > 0:
                assert message["error"]["message"] in [e["message"] for e in known]
        return message, attachment


def lines(steps):
    """Steps of an example as lines of a conversation."""
    for number, step in enumerate(steps, 1):
        who = step.get("by", "")
        message = {"jsonrpc": "2.0"}
        if "gone" in step:
            yield number, who, "gone", None
            continue
        if "event" in step:
            seq = {"seq": step["seq"]} if "seq" in step else {}
            yield number, who, "<--", {**message, "method": step["event"],
                                       "params": step["params"], **seq}
            continue
        message["id"] = step.get("later") or step.get("reply") or number
        if "call" in step:
            asks = {**message, "method": step["call"], "params": step["params"]}
            if step.get("fds") in ("file", "socket"):
                asks["fds"] = 1
            yield number, who, "-->", asks
        if "error" in step:
            yield number, who, "<--", {**message, "error": step["error"]}
        elif "result" in step:
            extra = {"fds": 1} if step.get("fds") == "reply" else {}
            yield number, who, "<--", {**message, "result": step["result"], **extra}


def converse(steps, monkeypatch):
    monkeypatch.setattr(examples, "Client", Client)
    block = [[n, who, arrow, json.dumps(m)] for n, who, arrow, m in lines(steps)]
    examples.run(g.gentcpd(), block)


def around(example, step):
    """All the steps of an example, step being what it shows."""
    if "x-by" in example:
        step["by"] = example["x-by"]
    return (DOCUMENT["x-setups"].get(example.get("x-setup"), []) + example.get("x-before", [])
            + [step] + example.get("x-after", []))


METHODS = [(m["name"], e) for m in DOCUMENT["methods"] for e in m["examples"]]
EVENTS = [(m["name"], e) for m in DOCUMENT["x-events"] for e in m["examples"]]


def name_of(value):
    return value if isinstance(value, str) else value["name"].replace(" ", "_")


@pytest.mark.parametrize("method,example", METHODS, ids=name_of)
def test_the_example_of_a_method(method, example, monkeypatch):
    step = {"call": method, "params": {p["name"]: p["value"] for p in example["params"]},
            "fds": example.get("x-fds")}
    if "x-error" in example:
        step["error"] = example["x-error"]
    else:
        step["result"] = example["result"]["value"]
    converse(around(example, step), monkeypatch)


@pytest.mark.parametrize("event,example", EVENTS, ids=name_of)
def test_the_example_of_an_event(event, example, monkeypatch):
    converse(around(example, {"event": event, "params": example["params"]}), monkeypatch)


def test_it_is_as_the_tables_say():
    new = subprocess.run([os.environ["PRINT_OPENRPC"], TOP / "proto/openrpc.in.json"],
                         stdout=subprocess.PIPE, check=True).stdout
    assert new == (TOP / "proto/openrpc.json").read_bytes(), "run build-aux/update-openrpc"


def test_a_template_with_a_hole_is_refused(tmp_path):
    for section, name in [("methods", "gen_tcp.send"), ("events", "tcp"), ("schemas", "Ok")]:
        template = json.loads((TOP / "proto/openrpc.in.json").read_text())
        del template[section][name]
        (tmp_path / "in.json").write_text(json.dumps(template))
        made = subprocess.run([os.environ["PRINT_OPENRPC"], tmp_path / "in.json"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert made.returncode == 1 and name in made.stderr


def test_every_reference_leads_somewhere():
    def look(value):
        if isinstance(value, dict):
            if "$ref" in value:
                at = DOCUMENT
                for part in value["$ref"].removeprefix("#/").split("/"):
                    at = at[part]
            for member in value.values():
                look(member)
        elif isinstance(value, list):
            for member in value:
                look(member)

    look(DOCUMENT)
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft7Validator.check_schema(schema)


def test_schemas_tell_good_from_bad():
    for name, good, bad in [("Timeout", 0, -1), ("Active", "once", "twice"), ("Ok", "ok", 1),
                            ("Data", [1, "x", {"base64": ""}], [256]), ("SocketId", 1, 0)]:
        valid(good, name)
        with pytest.raises(jsonschema.ValidationError):
            valid(bad, name)


def test_params_of_examples_are_what_their_schemas_say():
    for method in DOCUMENT["methods"]:
        schemas = {p["name"]: p["schema"]["$ref"].rpartition("/")[2] for p in method["params"]}
        for example in method["examples"]:
            for param in example["params"]:
                valid(param["value"], schemas[param["name"]])


# --- rpc.discover -------------------------------------------------------------------


def test_it_is_served(client):
    assert client.call("rpc.discover") == DOCUMENT
    assert client.call("rpc.discover", []) == DOCUMENT


def test_in_a_batch(client):
    batch = [{"jsonrpc": "2.0", "id": i, "method": "rpc.discover"} for i in range(3)]
    client.raw(json.dumps(batch).encode() + b"\n")
    client.wait(lambda: client.others, "the batch")
    assert [r["result"] == DOCUMENT for r in client.others.popleft().json] == [True] * 3


def test_who_does_not_read_it_is_not_read(room, bystander):
    """A thousand of them are 80 MB; they are written as far as there is room."""
    client = room.client()
    before = room.daemon.rss()
    ask = b'{"jsonrpc":"2.0","id":%d,"method":"rpc.discover"}\n'
    client.sock.setblocking(True)
    client.sock.sendall(b"".join(ask % i for i in range(1, 1001)))
    bystander.fine()
    assert room.daemon.rss() - before < 8 * g.MB
    client.sock.setblocking(False)
    for i in range(1, 1001):
        client.wait(lambda: i in client.replies, "an answer")
        assert client.replies.pop(i).json["result"]["openrpc"] == "1.3.2"


def test_nobody_asked(client):
    client.raw(b'{"jsonrpc":"2.0","method":"rpc.discover"}\n')
    assert client.call("session.self")["name"] is None
    assert not client.others
