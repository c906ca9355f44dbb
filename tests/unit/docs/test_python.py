"""The Python in the pages runs, and reads what the operator writes."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.docs.pages import Block, pages
from resilience_operator.core.flags import FLAGD_KEY, optimal_flags
from tests.builders import reference_policy

BLOCKS = [block for page in pages() for block in page.of("python")]


def test_there_is_one() -> None:
    assert BLOCKS


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_it_reads_a_flag(block: Block, tmp_path: Path) -> None:
    flags = optimal_flags(reference_policy().build()).data[FLAGD_KEY]
    name = next(iter(json.loads(flags)["flags"]))
    (tmp_path / "flagd.json").write_text(flags)
    found: dict[str, Any] = {}

    exec(block.text.replace("/etc/flags", str(tmp_path)), found)
    try:
        assert found["flags"].get_string_value(name, "no default") == "on"
    finally:
        found["api"].shutdown()
