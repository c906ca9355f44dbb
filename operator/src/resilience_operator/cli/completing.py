"""`kubectl_complete-resilience`: kubectl runs it to complete `kubectl resilience …`."""

import sys
from collections.abc import Sequence

from click.shell_completion import ShellComplete

from resilience_operator.cli.app import cli
from resilience_operator.cli.program import COMPLETE_VARIABLE, EXECUTABLE

# For kubectl's completion: offer nothing else, no names of files above all.
_NO_FILES = ":4"


def main() -> None:
    """Print what may follow the words in argv, as kubectl wants it."""
    print("\n".join(completions(sys.argv[1:])))


def completions(words: Sequence[str]) -> list[str]:
    """A line for each word that may stand in the last one's place, and kubectl's directive."""
    *before, incomplete = words or [""]
    shell = ShellComplete(cli, {}, EXECUTABLE, COMPLETE_VARIABLE)
    found = shell.get_completions(list(before), incomplete)
    lines = [f"{one.value}\t{one.help}" if one.help else str(one.value) for one in found]
    return [*lines, _NO_FILES]
