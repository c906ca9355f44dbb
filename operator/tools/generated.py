"""Writes generated files, or says which of them are not what would be written."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import ROOT


def out_of_date(folder: Path, files: Mapping[str, str], *, alone: bool = True) -> list[str]:
    """Names of files that are missing or differ, and of files that nothing generates.

    The latter only where the generated files are alone in their folders.
    """
    folders = {(folder / name).parent for name in files}
    found = [path for each in folders for path in each.glob("*") if path.is_file()]
    there = {path.relative_to(folder).as_posix(): path.read_text() for path in found}
    wrong = {name for name, text in files.items() if there.get(name) != text}
    return sorted(wrong | (there.keys() - files.keys() if alone else set()))


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all of them, and touch only those that change."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def main(
    render: Callable[[], Mapping[str, str]],
    *,
    default_folder: str,
    source: str = "the models",
    alone: bool = True,
) -> None:
    """The command line that all generators share."""
    parser = argparse.ArgumentParser(description=f"Generate files from {source}.")
    parser.add_argument("--out", type=Path, default=ROOT / default_folder, help="folder to write")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    options = parser.parse_args()
    files = render()
    if not options.check:
        write(options.out, files)
        return
    wrong = out_of_date(options.out, files, alone=alone)
    if wrong:
        names = ", ".join(wrong)
        sys.exit(f"{options.out}: not what {source} say: {names}; run `make generate`")
