"""Reads the README and the pages of docs/: code blocks, code within lines, links and headings.

A block of commands that no test runs has a comment right before it that says why:
`<!-- not run in CI: needs Argo CD -->`. All others are run: by `e2e/test_docs.py`, or for the pages
in `ELSEWHERE` by the test named there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "README.md": "tests/integration/docs/test_readme.py",
    "README.es.md": "tests/unit/docs/test_translation.py",
    "docs/install.md": "tests/integration/chart/test_install_page.py",
    "docs/upgrading.md": "tests/integration/chart/test_install_page.py",
}
"""Pages whose commands are run by a test of their own; a translation has those of its original."""

_MARK = re.compile(r"<!-- (not run in CI: \S.*|needs a node) -->")


@dataclass(frozen=True)
class Block:
    """A block of code, and the mark before it if no test runs it."""

    page: str
    line: int
    language: str
    text: str
    mark: str = ""

    @property
    def where(self) -> str:
        """Page and line, as editors read them."""
        return f"{self.page}:{self.line}"

    def commands(self) -> list[str]:
        """One command a line, with continued lines joined; comments are left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


@dataclass(frozen=True)
class Page:
    """One Markdown file; `name` is its path from the root of the repository."""

    name: str
    blocks: tuple[Block, ...]
    spans: tuple[str, ...] = field(repr=False)
    links: tuple[str, ...] = field(repr=False)
    headings: tuple[str, ...] = field(repr=False)

    @property
    def path(self) -> Path:
        """The file."""
        return ROOT / self.name

    @property
    def anchors(self) -> set[str]:
        """What links may name behind `#`, as GitHub makes it of the headings."""
        made: set[str] = set()
        for heading in self.headings:
            slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            number = 0
            while (anchor := f"{slug}-{number}" if number else slug) in made:
                number += 1
            made.add(anchor)
        return made

    def of(self, *languages: str) -> list[Block]:
        """The blocks in one of these languages."""
        return [block for block in self.blocks if block.language in languages]


def pages() -> list[Page]:
    """Every page, those of docs/ in the order of their names."""
    files = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]
    return [read(str(path.relative_to(ROOT))) for path in sorted(files)]


def read(name: str) -> Page:
    """One page by its path."""
    tokens = MarkdownIt("commonmark").enable("table").parse((ROOT / name).read_text())
    inline = [child for token in tokens for child in token.children or ()]
    return Page(
        name,
        blocks=tuple(_blocks(name, tokens)),
        spans=tuple(one.content for one in inline if one.type == "code_inline"),
        links=tuple(_links(inline)),
        headings=tuple(
            _plain(tokens[place + 1])
            for place, token in enumerate(tokens)
            if token.type == "heading_open"
        ),
    )


def _blocks(page: str, tokens: list[Token]) -> Iterator[Block]:
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type not in ("fence", "code_block") or token.map is None:
            continue
        told = before.content if before is not None and before.type == "html_block" else ""
        found = _MARK.fullmatch(told.strip().splitlines()[-1]) if told.strip() else None
        language = token.info.split()[0] if token.info else ""
        yield Block(page, token.map[0] + 1, language, token.content, found[1] if found else "")


def _links(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        target = token.attrs.get({"link_open": "href", "image": "src"}.get(token.type, ""))
        if target:
            yield str(target)


def _plain(inline: Token) -> str:
    children = inline.children or ()
    return "".join(one.content for one in children if one.type in ("text", "code_inline"))
