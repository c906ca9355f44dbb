"""Options that commands share. The global ones may stand before or after the command's name."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from resilience_operator.cli.durations import parse_duration
from resilience_operator.cli.session import Target

_F = TypeVar("_F", bound=Callable[..., Any])
_WAIT_SECONDS = 300.0

pass_target = click.make_pass_decorator(Target, ensure=True)


class NameType(click.ParamType[str]):
    """The name of an object or of a namespace; refuses an empty one, as of a variable not set."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; a usage error for what no object can be called."""
        text = str(value)
        if re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", text) is None:
            allowed = "lower case letters, digits, '-' and '.', and no namespace before it"
            self.fail(f"{text!r} is no name: use {allowed}", param)
        return text


NAME = NameType()


def global_options(command: _F) -> _F:
    """--context, --kubeconfig and --namespace; the one nearest to the command's end counts."""
    for option in (
        click.option(
            "-n",
            "--namespace",
            metavar="NAME",
            type=NAME,
            expose_value=False,
            callback=_remember,
            help="The namespace; default: that of the context.",
        ),
        click.option(
            "--kubeconfig",
            metavar="FILE",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=_remember,
            help="The kubeconfig; default: $KUBECONFIG or ~/.kube/config.",
        ),
        click.option(
            "--context",
            metavar="NAME",
            expose_value=False,
            callback=_remember,
            help="The context of the kubeconfig; default: the current one.",
        ),
    ):
        command = option(command)
    return command


def output_option(command: _F) -> _F:
    """-o json|yaml."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml"]),
        default="text",
        help="For people, or for programs.",
    )(command)


def wait_options(command: _F) -> _F:
    """--no-wait and --timeout, of what the operator has to answer."""
    for option in (
        click.option(
            "--timeout", type=DURATION, default=_WAIT_SECONDS, help="Longest wait; default: 5m."
        ),
        click.option(
            "--wait/--no-wait",
            default=True,
            help="Wait for the outcome (default), or only leave the request.",
        ),
    ):
        command = option(command)
    return command


class DurationType(click.ParamType[float]):
    """A length of time such as 90s, 15m, 2h, 1h30m or 3d, in seconds."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds; a usage error for what is no length of time."""
        if isinstance(value, float):
            return value
        seconds = parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no length of time: write 90s, 15m, 2h, 1h30m or 3d", param)
        return float(seconds)


DURATION = DurationType()


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None and param.name is not None:
        setattr(ctx.ensure_object(Target), param.name, value)
