"""The inputs of an image: their hash, which names the archive, and their copy."""

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from e2e.images.catalogue import REPOSITORY
from e2e.images.process import BuildError

KEY_LENGTH = 16


def files(paths: tuple[str, ...]) -> Iterator[Path]:
    """Every file under the given paths of the repository, in a stable order."""
    for path in paths:
        full = REPOSITORY / path
        if not full.exists():
            raise BuildError(f"{path} is missing from the repository")
        found = sorted(full.rglob("*")) if full.is_dir() else [full]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)


def key(paths: tuple[str, ...], *more: str) -> str:
    """A short hash over the files' names, contents and modes, and over some further words."""
    digest = hashlib.sha256()
    for word in more:
        digest.update(f"{len(word)}:{word}".encode())
    for file in sorted(set(files(paths))):
        content = file.read_bytes()
        name = file.relative_to(REPOSITORY)
        executable = file.stat().st_mode & 0o111 != 0
        digest.update(f"{name}:{executable}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:KEY_LENGTH]


def copy(paths: tuple[str, ...], target: Path) -> None:
    """Copy the files under the given paths to the same places below the target."""
    for file in files(paths):
        place = target / file.relative_to(REPOSITORY)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, place)
