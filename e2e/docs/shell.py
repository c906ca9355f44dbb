"""Command lines of the documentation, taken apart."""

import shlex
from collections.abc import Iterator

from e2e.docs.pages import Block

_BETWEEN = {"|", "||", "&&", ";", "&"}
_REDIRECTIONS = {">", ">>", "<"}
_PROMPT = "$ "


def typed(block: Block) -> list[str]:
    """The lines that a reader types: a script's, or those behind a prompt where output is shown."""
    if block.language == "sh":
        return block.commands()
    lines = block.text.replace("\\\n", " ").splitlines()
    return [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]


def words(line: str) -> Iterator[list[str]]:
    """The words of each command of a line: what is piped, chained or written to a file is apart."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    command: list[str] = []
    skip = False
    for word in lexer:
        if word in _BETWEEN:
            yield command
            command = []
        elif word in _REDIRECTIONS or skip:
            skip = word in _REDIRECTIONS
        else:
            command.append(word)
    if command:
        yield command
