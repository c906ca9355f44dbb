"""The helper that other tests rely on does find what it is to find."""

import base64
import logging

import pytest

from tests.no_secrets import assert_no_secrets

SECRET = "p@ss word"


@pytest.mark.parametrize(
    "output",
    [
        f"connecting with {SECRET}",
        "postgres://u:p%40ss%20word@db",
        {"status": {"message": base64.b64encode(SECRET.encode()).decode()}},
        [logging.makeLogRecord({"msg": "dsn %s", "args": (SECRET,)})],
        [logging.makeLogRecord({"msg": "failed", "dsn": SECRET})],
    ],
    ids=["text", "URL", "object", "log record", "extra field"],
)
def test_a_secret_is_found(output: object) -> None:
    with pytest.raises(AssertionError, match="a secret got out"):
        assert_no_secrets(output, SECRET)  # type: ignore[arg-type]


def test_what_is_clean_passes() -> None:
    assert_no_secrets("all is well", SECRET)
