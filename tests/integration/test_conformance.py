# SPDX-License-Identifier: ISC
"""tests/conformance by libgentcp; the other bindings run it among their own tests."""

import json
import os
import pathlib
import subprocess

import pytest

import gentcp_test as g

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "conformance"
PROGRAM = pathlib.Path(g.gentcp_cli()).parents[1] / "tests/conformance/conformance"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_file(room, file):
    done = subprocess.run([str(PROGRAM), str(file)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=4 * g.DEADLINE,
                          env=dict(os.environ, GENTCPD_SOCKET=room.daemon.path))
    assert (done.returncode, done.stderr) == (0, "")
    steps = sum(len(case["steps"]) for case in json.loads(file.read_text()))
    assert done.stdout == "%d steps\n" % steps
