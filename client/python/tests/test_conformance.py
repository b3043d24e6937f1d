# SPDX-License-Identifier: ISC
"""tests/conformance by both APIs."""

import asyncio
import json

import conformance
import pytest

CASES = [pytest.param(case, id="%s-%s" % (file.stem, case["name"].replace(" ", "_")))
         for file in sorted(conformance.FOLDER.glob("*.json"))
         for case in json.loads(file.read_text())]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("api", [conformance.Asyncio, conformance.Blocking])
def test_case(daemon, api, case):
    runner = conformance.Runner(api())
    asyncio.run(asyncio.wait_for(runner.run(case), 60))
    assert runner.checked == len(case["steps"])


def test_there_are_enough():
    assert sum(len(param.values[0]["steps"]) for param in CASES) >= 150
