"""Python wheels, fetched outside the image build and installed inside it without an index."""

import platform
import shutil
import sys
from pathlib import Path

from e2e.images import inputs, markers
from e2e.images.catalogue import BOOTSTRAP_LOCK, REPOSITORY, Image
from e2e.images.process import BuildError, output, progress, run

PYTHON = "3.11"
RECIPE = "1"  # raise it when the way wheels are chosen changes
OLDEST_GLIBC, NEWEST_GLIBC = 5, 36  # manylinux_2_5 to what Debian 12 has


def locked(image: Image, state: Path) -> Path:
    """A folder with the wheels of the image's lock file and pip's own, kept between builds."""
    return _fetched(image.name, (image.lock, BOOTSTRAP_LOCK), state)


def of_sbom(image: Image, state: Path) -> Path:
    """A folder with the wheels of what lists the image's content."""
    return _fetched(f"sbom-{image.name}", (image.sbom_lock,), state)


def _fetched(owner: str, locks: tuple[str, ...], state: Path) -> Path:
    name = inputs.key(locks, *choice())
    folder = state / "wheels" / f"{owner}-{name}"
    if folder.exists():
        return folder
    for outdated in folder.parent.glob(f"{owner}-*"):
        shutil.rmtree(outdated)
    unfinished = folder.with_name("unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    progress(f"fetching the wheels of {locks[0]}")
    unfinished.mkdir(parents=True)
    lock = unfinished / "wheels.lock"
    for path in locks:
        lock.write_text(markers.for_images((REPOSITORY / path).read_text()))
        _download(lock, unfinished)
    lock.unlink()
    unfinished.rename(folder)
    return folder


def _download(lock: Path, folder: Path) -> None:
    options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--quiet")
    run([*_pip(), "download", *options, *_target_options(), "--dest", folder, "-r", lock])


def build_project(image: Image, source: Path, folder: Path) -> None:
    """Build this project's own wheel into a folder, from a copy of its sources."""
    progress("building the project's own wheel")
    inputs.copy(image.project, source)
    run([*_pip(), "wheel", "--no-deps", "--quiet", "--wheel-dir", folder, source])


def choice() -> tuple[str, ...]:
    """What decides which wheels are taken, besides the lock files."""
    return (RECIPE, *_target_options())


def _target_options() -> list[str]:
    """What the wheels must fit: the image's Python and Debian, whatever runs this program."""
    machine = platform.machine()
    options = ["--implementation", "cp", "--python-version", PYTHON, "--abi", "cp311"]
    options += ["--abi", "abi3", "--abi", "none"]
    for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1):
        options += ["--platform", f"manylinux_2_{minor}_{machine}"]
    for legacy in ("manylinux2014", "manylinux2010", "manylinux1", "linux"):
        options += ["--platform", f"{legacy}_{machine}"]
    return options


def _pip() -> list[str]:
    """A pip to run: this Python's, its base's, or the one on the search path."""
    on_path = shutil.which("python3")
    for python in (sys.executable, f"{sys.base_prefix}/bin/python3", on_path):
        if python and output([python, "-m", "pip", "--version"]):
            return [python, "-m", "pip", "--disable-pip-version-check"]
    raise BuildError("no pip found: install Python's pip to fetch the wheels of the images")
