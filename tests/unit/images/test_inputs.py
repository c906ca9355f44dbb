"""The key of an image: it changes with what goes in, and with nothing else."""

from pathlib import Path

import pytest

from e2e.images import build, inputs, wheels
from e2e.images.catalogue import IMAGES, REPOSITORY
from e2e.images.process import BuildError


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository."""
    monkeypatch.setattr(inputs, "REPOSITORY", tmp_path)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("a")
    (tmp_path / "Dockerfile").write_text("FROM x")
    return tmp_path


PATHS = ("Dockerfile", "source")


def test_the_key_follows_content_names_and_words(repository: Path) -> None:
    first = inputs.key(PATHS)
    assert inputs.key(PATHS) == first
    assert inputs.key(PATHS, "other base") != first
    (repository / "source" / "a.py").rename(repository / "source" / "b.py")
    second = inputs.key(PATHS)
    assert second != first
    (repository / "Dockerfile").write_text("FROM y")
    assert inputs.key(PATHS) not in (first, second)


def test_compiled_files_do_not_count(repository: Path) -> None:
    first = inputs.key(PATHS)
    (repository / "source" / "__pycache__").mkdir()
    (repository / "source" / "__pycache__" / "a.pyc").write_text("x")
    assert inputs.key(PATHS) == first


def test_a_missing_input_is_named(repository: Path) -> None:
    with pytest.raises(BuildError, match=r"requirements\.lock is missing"):
        inputs.key(("requirements.lock",))


def test_the_context_is_a_copy_of_the_named_paths(repository: Path) -> None:
    (repository / "unrelated").write_text("x")
    target = repository / "context"
    inputs.copy(PATHS, target)
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == {"Dockerfile", "source/a.py"}


@pytest.mark.parametrize("name", ["inventario", "demo-servers"])
def test_the_inputs_of_the_demo_images_exist(name: str) -> None:
    assert all((REPOSITORY / path).exists() for path in IMAGES[name].inputs)


def test_an_image_is_built_anew_when_wheels_are_chosen_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = build._key(IMAGES["operator"], None)
    monkeypatch.setattr(wheels, "RECIPE", "another")

    assert build._key(IMAGES["operator"], None) != before
