"""Every `kubectl resilience …` in the pages is one that the program takes."""

import re
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from e2e.docs.pages import pages
from e2e.docs.shell import typed, words
from resilience_operator.cli.app import cli

PROGRAM = ["kubectl", "resilience"]
PLACEHOLDERS = {"POLICY": "shop", "NAMESPACE": "shop"}


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    for page in pages():
        for block in page.blocks:
            for line in typed(block):
                for command in words(line):
                    if command[:2] == PROGRAM:
                        yield block.where, tuple(PLACEHOLDERS.get(w, w) for w in command[2:])


def mentions() -> Iterator[tuple[str, str]]:
    for page in pages():
        for span in page.spans:
            if span.startswith("kubectl resilience "):
                yield page.name, " ".join(span.split()[2:])


def leaves(command: click.Command) -> Iterator[click.Command]:
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from leaves(each)
    else:
        yield command


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take their arguments, and do nothing with them."""
    for command in leaves(cli):
        monkeypatch.setattr(command, "callback", lambda *args, **kwargs: None)


COMMANDS = sorted(set(commands()))


def test_there_are_some() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(
    ("where", "arguments"), COMMANDS, ids=[f"{where} {' '.join(what)}" for where, what in COMMANDS]
)
def test_a_command_is_taken(where: str, arguments: tuple[str, ...]) -> None:
    done = CliRunner().invoke(cli, list(arguments))

    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(("where", "text"), sorted(set(mentions())))
def test_what_is_mentioned_exists(where: str, text: str) -> None:
    """In a sentence options may be left out, and verbs stand side by side."""
    command: click.Command = cli
    said = text.replace("[", " ").replace("]", " ").split()
    while isinstance(command, click.Group) and said and re.match("[a-z]", said[0]):
        names = said.pop(0).split("|")
        assert set(names) <= set(command.commands), names
        command = command.commands[names[0]]
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    assert {word for word in said if word.startswith("-")} <= options


def test_a_wrong_command_is_refused() -> None:
    for arguments in (["sttus"], ["level", "override", "shop"], ["status", "--nmespace", "shop"]):
        assert CliRunner().invoke(cli, arguments).exit_code == 2
