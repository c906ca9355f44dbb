"""What is shown: coloured and fitted to a terminal, or plain lines for pipes and logs."""

import io
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from resilience_operator.cli.errors import printable

# No line is broken in plain output.
_ENDLESS = 8_000
# Columns of sentences: only they are broken where a terminal is too narrow.
_SENTENCES = frozenset({"WHY", "NOTES", "MEANING", "EVIDENCE", "FINDING", "REMEDY"})
# The least width at which they can be read, and what is between columns.
_READABLE = 20
_GAP = 2


def on_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def show(what: RenderableType) -> None:
    """Print it."""
    if on_terminal():
        console().print(what)
    else:
        click.echo(plain(what))


def console() -> Console:
    """The terminal."""
    return Console(highlight=False, markup=False, emoji=False)


def plain(what: RenderableType) -> str:
    """The same as text: no colour, no control character, no blanks at the ends of lines."""
    paper = io.StringIO()
    Console(
        file=paper,
        width=_ENDLESS,
        color_system=None,
        force_terminal=False,
        highlight=False,
        markup=False,
        emoji=False,
    ).print(what)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines())


def show_data(data: object, form: str) -> None:
    """Print it for programs, as JSON or YAML."""
    if form == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    import yaml

    click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)


def said(text: object, style: str = "") -> Text:
    """A piece of text from the cluster: never markup, and printable."""
    return Text(printable(text), style=style)


def line(*parts: Text | str) -> Text:
    """Pieces on one line, two blanks apart; empty ones left out."""
    texts = [part if isinstance(part, Text) else said(part) for part in parts]
    return Text("  ").join(each for each in texts if each.plain)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """Columns without lines; those with nothing in them are left out."""
    cells = [[_cell(each) for each in row] for row in rows]
    used = [i for i in range(len(headers)) if any(row[i].plain for row in cells)]
    return _Rows([headers[i] for i in used], [[row[i] for i in used] for row in cells])


@dataclass(frozen=True, slots=True)
class _Rows:
    """Columns where there is room for them, else lines for each row: nothing is ever cut."""

    headers: Sequence[str]
    cells: Sequence[Sequence[Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        needed = sum(self._least(i) for i in range(len(self.headers)))
        fits = needed + _GAP * (len(self.headers) - 1) <= options.max_width
        yield self._columns() if fits else Group(*map(self._lines, self.cells))

    def _least(self, index: int) -> int:
        """How narrow a column may be."""
        header = self.headers[index]
        widest = max(map(cell_len, (header, *(row[index].plain for row in self.cells))))
        return min(widest, _READABLE) if header in _SENTENCES else widest

    def _columns(self) -> Table:
        made = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="dim")
        for header in self.headers:
            made.add_column(header, overflow="fold", no_wrap=header not in _SENTENCES)
        for row in self.cells:
            made.add_row(*row)
        return made

    def _lines(self, row: Sequence[Text]) -> Text:
        named = zip(self.headers, row, strict=True)
        return line(*(_named(header, cell) for header, cell in named if cell.plain))


def _named(header: str, cell: Text) -> Text:
    return Text.assemble((header, "dim"), " ", cell) if header else cell


def facts(told: Iterable[tuple[str, Text]]) -> Table:
    """Names and sentences, each sentence in a column of its own; those without one left out."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, style="bold")
    made.add_column(overflow="fold")
    for name, text in told:
        if text.plain:
            made.add_row(name, text)
    return made


def indented(what: RenderableType, by: int = 2) -> Padding:
    """Moved to the right."""
    return Padding(what, (0, 0, 0, by))


def _cell(value: object) -> Text:
    if isinstance(value, Text):
        return value
    return said("" if value is None else value)
