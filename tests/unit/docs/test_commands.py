"""Every command in the pages is run by a test, or says before it why not."""

import re

import pytest

from e2e.docs.pages import ELSEWHERE, ROOT, Page, pages
from e2e.docs.shell import typed, words
from tests.unit.docs.logged import logged

PAGES = pages()
MARKS = re.compile(r"not run in CI: (needs|takes) .{4,}|needs a node")
LOGGED = tuple(logged())


RUN_ELSEWHERE = {
    "kubectl apply --server-side -k manifests/base": "tests/integration/chart/test_manifests.py",
    "kubectl -n NAMESPACE patch resiliencepolicy POLICY --type=merge "
    """--patch '{"metadata":{"finalizers":null}}'""": "tests/integration/docs/test_readme.py",
    "kubectl get dl": "tests/integration/test_crd_use.py",
    "kubectl get rp": "tests/integration/test_crd_use.py",
}


def one_line(command: str) -> str:
    return re.sub(r"\s+", " ", command)


def test_the_tests_that_are_named_read_their_page() -> None:
    for page, test in ELSEWHERE.items():
        assert page.rsplit("/", 1)[-1] in (ROOT / test).read_text(), test
    assert set(ELSEWHERE) <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_blocks_that_are_run(page: Page) -> None:
    """`sh` for what is typed, `console` or nothing for what is shown with its output."""
    for block in page.blocks:
        assert block.language not in ("bash", "shell", "zsh"), f"{block.where}: write sh"
        assert not block.mark or MARKS.fullmatch(block.mark), f"{block.where}: {block.mark}"
        assert not block.mark or block.language not in ("", "console"), f"{block.where}: no command"


def test_a_command_within_a_line_stands_in_a_block_as_well() -> None:
    """So that it is run there; those of our own program are looked at by another test."""
    shown = "\n".join(
        one_line(line) for page in PAGES for block in page.blocks for line in typed(block)
    )
    lonely = {
        f"{page.name}: {command}"
        for page in PAGES
        for command in map(one_line, page.spans)
        if re.match(r"(kubectl|helm) .+ .+", command)
        and not command.startswith("kubectl resilience")
        and command not in shown
        and command not in RUN_ELSEWHERE
    }

    assert lonely == set()
    assert all((ROOT / test).exists() for test in RUN_ELSEWHERE.values())


def test_what_is_looked_for_in_the_log_is_what_the_operator_writes() -> None:
    patterns = [
        (block.where, command[-1], "i" in "".join(command[1:-1]))
        for page in PAGES
        for block in page.of("sh")
        for line in typed(block)
        if " logs " in line
        for command in words(line)
        if command[0] == "grep"
    ]

    assert len(patterns) > 8
    for where, pattern, ignoring_case in patterns:
        for word in pattern.split("|"):
            assert is_logged(word, ignoring_case), f"{where}: nothing is logged with {word!r}"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("will be repeated", True),  # a sentence
        ("was not told", True),  # one that a variable holds
        ("LevelDegraded", True),  # the reason of an event
        ("ProbesTrusted", True),  # one by default
        ("RolloutHeld", True),
        ("resilience_operator.audit", True),
        ("FlagsApplied", False),  # a condition
        ("resilience_level", False),  # a metric
        ("withdraw it with", False),  # the command line's
    ],
)
def test_only_what_goes_to_a_logger_counts_as_logged(word: str, written: bool) -> None:
    source = (path.read_text() for path in (ROOT / "operator" / "src").rglob("*.py"))
    assert any(word in text for text in source)
    assert is_logged(word, ignoring_case=False) is written


def is_logged(word: str, ignoring_case: bool) -> bool:
    """Whether the operator writes that to its log."""
    flags = re.IGNORECASE if ignoring_case else 0
    return any(re.search(word, each, flags) for each in LOGGED)
