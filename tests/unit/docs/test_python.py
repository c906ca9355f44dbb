"""The Python in the pages runs, and reads what the operator writes."""

import json
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.exception import ProviderNotReadyError

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
    deadline = time.monotonic() + 10
    while found["flags"].get_string_value(name, "not read yet") != "on":
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("there", [True, False])
def test_who_waits_for_the_file_hears_that_there_is_none(there: bool, tmp_path: Path) -> None:
    file = tmp_path / "flagd.json"
    if there:
        file.write_text(optimal_flags(reference_policy().build()).data[FLAGD_KEY])
    provider = FlagdProvider(
        resolver_type=ResolverType.FILE, offline_flag_source_path=str(file), deadline_ms=60_000
    )

    with nullcontext() if there else pytest.raises(ProviderNotReadyError):
        api.set_provider_and_wait(provider)


@pytest.fixture(autouse=True)
def no_provider_is_left() -> Iterator[None]:
    yield
    api.clear_providers()
