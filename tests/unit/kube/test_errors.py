import json

import pytest

from resilience_operator.core import errors
from resilience_operator.kube.errors import Gone, Unauthorized, from_answer


def answer(status: int, headers: dict[str, str] | None = None, **body: object) -> errors.ApiError:
    return from_answer(status, json.dumps(body).encode(), headers or {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Invalid),
        (401, Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (405, errors.TerminalError),
        (408, errors.TransientError),
        (409, errors.Conflict),
        (410, Gone),
        (415, errors.TerminalError),
        (422, errors.Invalid),
        (429, errors.TransientError),
        (500, errors.TransientError),
        (503, errors.TransientError),
        (504, errors.TransientError),
        (302, errors.TransientError),
    ],
)
def test_each_status_is_transient_or_terminal(status: int, kind: type[errors.ApiError]) -> None:
    error = answer(status, message="so it is", reason="SoItIs")
    assert type(error) is kind
    assert str(error) == "so it is"
    assert (error.status, error.reason) == (status, "SoItIs")
    assert isinstance(error, errors.TransientError) != isinstance(error, errors.TerminalError)


def test_a_conflict_of_field_managers_names_them_and_the_fields() -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "argocd" using v1',
            "field": ".data.A",
        },
        {"message": 'conflict with "argocd" using v1', "field": ".data.B"},
        {"message": 'conflict with "jane" with subresource "status"', "field": ".data.C"},
    ]
    error = answer(409, reason="Conflict", details={"causes": causes})
    assert isinstance(error, errors.Conflict)
    assert error.managers == ("argocd", "jane")
    assert error.fields == (".data.A", ".data.B", ".data.C")
    assert not error.exists


def test_a_conflict_with_an_object_that_exists_says_so() -> None:
    error = answer(409, reason="AlreadyExists")
    assert isinstance(error, errors.Conflict)
    assert error.exists
    assert error.managers == ()


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "3"}, {}, 3.0),
        ({}, {"retryAfterSeconds": 5}, 5.0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({}, {}, None),
    ],
)
def test_the_server_may_ask_for_patience(
    headers: dict[str, str], details: dict[str, int], seconds: float | None
) -> None:
    error = answer(429, headers, details=details)
    assert isinstance(error, errors.TransientError)
    assert error.retry_after == seconds


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"[]", b'{"message": null}'])
def test_something_in_between_may_answer_in_its_own_words(body: bytes) -> None:
    error = from_answer(502, body, {})
    assert isinstance(error, errors.TransientError)
    assert str(error) == "the API server answered 502"
