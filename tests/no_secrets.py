"""Holds everything that leaves the process to one rule: no credential is in it, in any disguise."""

import base64
import json
import logging
from collections.abc import Iterable
from urllib.parse import quote

Output = str | Iterable[logging.LogRecord] | dict[str, object]


def assert_no_secrets(output: Output, *secrets: str) -> None:
    """Fail if a secret, or its base64 or URL form, is in log records, an object or a text."""
    text = _text(output)
    for secret in secrets:
        for disguise in _disguises(secret):
            assert disguise not in text, "a secret got out"


def _text(output: Output) -> str:
    if isinstance(output, str):
        return output
    if isinstance(output, dict):
        return json.dumps(output, default=str, ensure_ascii=False)
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in output)


def _disguises(secret: str) -> set[str]:
    plain = secret.encode()
    # Inside a longer text, base64 depends on where the secret begins; its own form is enough for
    # headers and Secrets, which hold it alone.
    return {secret, base64.b64encode(plain).decode().rstrip("="), quote(secret, safe="")}
