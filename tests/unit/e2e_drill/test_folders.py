"""What an export replaces, and what is told when there is nothing to go by."""

import subprocess
from pathlib import Path

import pytest

from e2e.demo.kubectl import CommandFailed, Kubectl
from e2e.drill import __main__ as drill
from e2e.drill.exporting import export
from e2e.drill.flags import FlagsFollower


class Unreached(Kubectl):
    """kubectl that must not be asked."""

    def __init__(self) -> None:
        super().__init__({})

    def run(self, *arguments: str, timeout: float = 120) -> str:
        raise AssertionError(f"asked for {arguments}")


class Silent(Kubectl):
    """kubectl that ends without a word, as when the cluster cannot be reached."""

    def __init__(self) -> None:
        super().__init__({})

    def follow(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(["true"], stdout=subprocess.PIPE, text=True)


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(CommandFailed, match="something else"):
        export(Unreached(), tmp_path)

    assert (tmp_path / "thesis.txt").exists()


def test_restoring_what_was_never_exported_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drill.main(["restore", "--folder", str(tmp_path / "none")]) == 1
    assert "there is no export in" in capsys.readouterr().err


def test_flags_that_nobody_saw_are_not_called_right() -> None:
    follower = FlagsFollower(Silent(), "shop", "shop-flags")
    follower.start()
    follower.stop()

    assert follower.flips({"level": "OPTIMAL"}) == [
        "flags shop/shop-flags: it could not be followed"
    ]
