"""The folder that builds keep: what is taken away from it, and when."""

import os
from pathlib import Path

from e2e.images import state


def test_only_the_newest_archives_of_an_image_are_kept(tmp_path: Path) -> None:
    for age, key in enumerate("abcd"):
        archive = tmp_path / f"operator-{key * 16}.tar"
        archive.write_text("")
        os.utime(archive, (1000 - age, 1000 - age))
    (tmp_path / "operator-notes.tar").write_text("")
    (tmp_path / f"other-{'a' * 16}.tar").write_text("")
    state.forget_old(tmp_path, "operator")
    kept = {f"operator-{'a' * 16}.tar", f"operator-{'b' * 16}.tar"}
    others = {"operator-notes.tar", f"other-{'a' * 16}.tar"}
    assert {path.name for path in tmp_path.iterdir()} == kept | others


def test_scratch_is_empty_at_the_start_and_gone_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "of-a-build-that-was-cut-off").write_text("")
    with state.scratch(tmp_path) as scratch:
        assert list(scratch.iterdir()) == []
        (scratch / "file").write_text("")
    assert not scratch.exists()
