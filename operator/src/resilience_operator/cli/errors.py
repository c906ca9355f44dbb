"""What goes wrong, in one sentence with its remedy, and the exit code that scripts go by."""

from enum import IntEnum

import click

from resilience_operator.core.errors import (
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
    TransientError,
)


def printable(text: object) -> str:
    """A piece of text from the cluster on one line: never a terminal's command."""
    return "".join(each if each.isprintable() else " " for each in str(text))


class ExitCode(IntEnum):
    """What a command's exit code says."""

    OK = 0
    FAILED = 1  # what was asked for does not hold, was refused, or has not come in time
    USAGE = 2
    NOT_FOUND = 3
    NO_ACCESS = 4  # no connection, no credentials, or no right to it
    INTERRUPTED = 130


class CliError(click.ClickException):
    """The sentence that a person gets instead of a traceback."""

    exit_code = ExitCode.FAILED


class MissingError(CliError):
    """The object asked for is not there."""

    exit_code = ExitCode.NOT_FOUND


class AccessError(CliError):
    """The cluster is out of reach, or does not let us."""

    exit_code = ExitCode.NO_ACCESS


def from_api(error: ApiError) -> CliError:
    """What a failed request to the API server means to the person at the keyboard."""
    said = printable(error.message).rstrip(".")
    if isinstance(error, Forbidden):
        return AccessError(
            f"Not allowed: {said}. Ask for a role that allows it, or choose another --context."
        )
    if error.status == 401:
        return AccessError(
            "The API server does not accept these credentials: log in again, or choose another "
            "--context."
        )
    if isinstance(error, NotFound):
        return MissingError(
            f"Not found: {said}. If the cluster knows no ResiliencePolicy at all, apply the CRDs "
            "first: kubectl apply --server-side -k crds."
        )
    if isinstance(error, TransientError):
        return AccessError(
            f"The API server cannot be asked: {said}. Check --context, --kubeconfig and the "
            "network, then try again."
        )
    if isinstance(error, Conflict):
        return CliError(f"Somebody else is changing the same object: {said}. Try again.")
    return CliError(f"The API server refused it: {said}.")
