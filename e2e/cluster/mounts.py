"""The mount table: what is mounted below a folder, and getting rid of it."""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError


@dataclass(frozen=True)
class Mount:
    """One line of the mount table."""

    point: Path
    kind: str
    options: frozenset[str]


def parse(text: str) -> list[Mount]:
    """The mounts in the text of /proc/self/mountinfo, in its order."""

    def unescaped(field: str) -> str:
        return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)

    found = []
    for line in text.splitlines():
        fields = line.split(" ")
        kind, _, options = fields[fields.index("-") + 1 :][:3]
        found.append(Mount(Path(unescaped(fields[4])), kind, frozenset(options.split(","))))
    return found


def table() -> list[Mount]:
    """What is mounted now."""
    return parse(Path("/proc/self/mountinfo").read_text())


def unmount_below(folder: Path) -> None:
    """Unmount everything in the folder, the latest mount first."""
    for mount in reversed(table()):
        if mount.point.is_relative_to(folder):
            _unmount(mount.point)
    left = [str(mount.point) for mount in table() if mount.point.is_relative_to(folder)]
    if left:
        raise ClusterError(f"still mounted: {', '.join(left)}")


def _unmount(point: Path) -> None:
    # Its users have ended, but the kernel may take a moment to let go: detached, it goes then.
    for command in (["umount", str(point)], ["umount", "--lazy", str(point)]):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return
