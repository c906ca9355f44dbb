"""`make setup`'s Python environment: made once, and anew where it was copied to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path("operator/tools/setup.sh")
ROOT = Path(__file__).parents[2]
# Makes an environment as Python does, and notes that it was asked to.
PYTHON = """#!/bin/bash
case "$1" in
-m)
    echo made >>"$PYTHON_LOG"
    mkdir -p .venv/bin
    echo "command = $0 -m venv $PWD/.venv" >.venv/pyvenv.cfg
    printf '#!/bin/sh\\nexit 0\\n' | tee .venv/bin/python >.venv/bin/pip
    chmod 755 .venv/bin/* ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "first"
    (folder / SCRIPT.parent).mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, folder / SCRIPT)
    for name in ("requirements-dev.lock", "pyproject.toml"):
        (folder / name).touch()
    (tmp_path / "python").write_text(PYTHON)
    (tmp_path / "python").chmod(0o755)
    return folder


def times_made(checkout: Path) -> int:
    """Set it up; how often an environment was made by then."""
    log = checkout.parent / "log"
    environment = {**os.environ, "PYTHON": str(log.with_name("python")), "PYTHON_LOG": str(log)}
    subprocess.run([checkout / SCRIPT], env=environment, check=True, capture_output=True)
    return len(log.read_text().splitlines())


def test_it_is_made_once(checkout: Path) -> None:
    assert times_made(checkout) == 1
    assert times_made(checkout) == 1


def test_what_has_changed_is_installed_into_it(checkout: Path) -> None:
    times_made(checkout)
    stamp = (checkout / ".venv" / ".installed").read_text()
    (checkout / "requirements-dev.lock").write_text("another==1")

    assert times_made(checkout) == 1
    assert (checkout / ".venv" / ".installed").read_text() != stamp


def test_a_copy_gets_its_own(checkout: Path) -> None:
    times_made(checkout)
    copied = shutil.copytree(checkout, checkout.with_name("second"))

    assert times_made(copied) == 2


def test_one_whose_python_was_replaced_is_made_anew(checkout: Path) -> None:
    times_made(checkout)
    (checkout / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")

    assert times_made(checkout) == 2
