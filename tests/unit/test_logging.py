"""Log lines as machines and people read them."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from resilience_operator.logging import LogFormat, build_formatter, configure, place_of


def record(**extra: Any) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "resilience_operator.x", "levelname": "INFO", "msg": "level %s", "args": ("LOW",)}
    )
    made.created, made.msecs = 1_767_225_600.25, 250.0
    made.__dict__.update(extra)
    return made


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back afterwards."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def test_a_json_line_has_time_level_logger_message_and_extra_fields() -> None:
    line = build_formatter(LogFormat.JSON).format(record(policy="inventario", namespace="retail"))
    assert json.loads(line) == {
        "time": "2026-01-01T00:00:00.250Z",
        "level": "INFO",
        "logger": "resilience_operator.x",
        "message": "level LOW",
        "policy": "inventario",
        "namespace": "retail",
    }
    assert "\n" not in line


def test_a_plain_line_is_for_people() -> None:
    assert (
        build_formatter(LogFormat.PLAIN)
        .format(record())
        .endswith("INFO    resilience_operator.x: level LOW")
    )


def test_configure_replaces_handlers_and_quiets_libraries(root: logging.Logger) -> None:
    configure("DEBUG")
    configure("DEBUG")
    assert len(root.handlers) == 1
    assert root.level == logging.DEBUG
    assert not logging.getLogger("kopf.objects").isEnabledFor(logging.INFO)
    assert logging.getLogger("resilience_operator").isEnabledFor(logging.DEBUG)


def test_records_go_to_stderr(root: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logging.getLogger("resilience_operator.x").info("hello", extra={"policy": "p"})
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["policy"] == "p"


def test_an_error_is_placed_without_its_text() -> None:
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        place = place_of(error)
    assert place.startswith("ValueError in test_an_error_is_placed_without_its_text (test_logging")
    assert "hunter2" not in place
    assert place_of(KeyError("hunter2")) == "KeyError"
