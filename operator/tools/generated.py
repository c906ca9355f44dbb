"""Writes generated files, or says which of them are not what would be written."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tools import ROOT


def out_of_date(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Names of files that are missing or differ, and of files that nothing generates."""
    there = {path.name: path.read_text() for path in folder.glob("*") if path.is_file()}
    wrong = {name for name, text in files.items() if there.get(name) != text}
    return sorted(wrong | (there.keys() - files.keys()))


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all of them, and touch only those that change."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def main(render: Callable[[], Mapping[str, str]], *, default_folder: str) -> None:
    """The command line that all generators share."""
    parser = argparse.ArgumentParser(description="Generate files from the API models.")
    parser.add_argument("--out", type=Path, default=ROOT / default_folder, help="folder to write")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a difference")
    options = parser.parse_args()
    files = render()
    if not options.check:
        write(options.out, files)
        return
    wrong = out_of_date(options.out, files)
    if wrong:
        names = ", ".join(wrong)
        sys.exit(f"{options.out}: not what the models say: {names}; generate them anew")
