"""Mounts left under a folder: found and undone, so that the folder can be deleted safely."""

import shutil
from pathlib import Path

from e2e.images.process import run

MOUNT_POINT_FIELD = 4


def under(folder: Path) -> list[str]:
    """Mount points below a folder, the innermost first."""
    prefix = f"{folder.resolve()}/"
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [line.split()[MOUNT_POINT_FIELD].encode().decode("unicode_escape") for line in lines]
    return [point for point in reversed(points) if point.startswith(prefix)]


def remove_tree(folder: Path) -> None:
    """Delete a folder, after everything mounted in it is unmounted."""
    unmount(folder)
    if folder.exists():
        shutil.rmtree(folder)


def unmount(folder: Path) -> None:
    """Unmount everything below a folder."""
    for point in under(folder):
        run(["umount", point])
