"""Building images: only what has changed, one after the other, with one engine for all of them."""

import platform
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.images import debian, engine, inputs, state, wheels
from e2e.images.catalogue import Image
from e2e.images.engine import Engine
from e2e.images.process import progress

APT_SOURCES_SECRET = "apt-sources"


def build(images: Iterable[Image], out: Path | None = None) -> list[tuple[Image, Path]]:
    """The archive of every image, built where its inputs have changed since the last build."""
    home = state.folder()
    out = (out or home).resolve()
    out.mkdir(parents=True, exist_ok=True)
    running = engine.running()
    archives = [(image, out / f"{image.name}-{_key(image, running)}.tar") for image in images]
    with state.exclusive(home):
        missing = [(image, archive) for image, archive in archives if not archive.exists()]
        if missing:
            _build_all(missing, running, home)
    for image, archive in archives:
        archive.touch()
        state.forget_old(archive.parent, image.name)
    return archives


def _key(image: Image, running: Engine | None) -> str:
    base = running.base if running else f"{debian.RELEASE}-{debian.BASE_RECIPE}"
    return inputs.key(image.inputs, base, platform.machine(), image.tag, *wheels.choice())


def _build_all(missing: list[tuple[Image, Path]], running: Engine | None, home: Path) -> None:
    with state.scratch(home) as scratch:
        contexts = {}
        for image, _ in missing:
            contexts[image.name] = _context(image, home, scratch / image.name)
        with _engine(running, home) as chosen:
            for image, archive in missing:
                _build_one(chosen, image, contexts[image.name], archive)


def _context(image: Image, home: Path, scratch: Path) -> Path:
    """Lay out the folder that the engine builds from."""
    context = scratch / "context"
    inputs.copy((image.dockerfile, *image.locks, *image.sources), context)
    shutil.copytree(wheels.locked(image, home), context / "wheels")
    if image.sbom_lock:
        shutil.copytree(wheels.of_sbom(image, home), context / "sbom-wheels")
    if image.project:
        wheels.build_project(image, scratch / "source", context / "project")
    return context


@contextmanager
def _engine(running: Engine | None, home: Path) -> Iterator[Engine]:
    if running:
        progress(f"using the running Docker engine, with {running.base} from its registry")
        yield running
    else:
        with engine.private(home) as started:
            yield started


def _build_one(chosen: Engine, image: Image, context: Path, archive: Path) -> None:
    progress(f"building {image.tag}")
    options: list[str | Path] = ["--progress", "plain", "--tag", image.tag]
    options += ["--file", context / image.dockerfile, "--build-arg", f"BASE_IMAGE={chosen.base}"]
    if chosen.base == engine.PRIVATE_BASE:
        sources = context.parent / "apt-sources.list"
        sources.write_text(debian.apt_sources())
        options += ["--network", "host", "--secret", f"id={APT_SOURCES_SECRET},src={sources}"]
    chosen.run("build", *options, context)
    unfinished = archive.with_name(f"{image.name}.part")
    saved = context.parent / "image.tar"  # in scratch, as an interrupted save leaves litter beside
    chosen.run("save", "--output", saved, image.tag)
    shutil.move(saved, unfinished)
    unfinished.rename(archive)
    progress(f"{image.tag}: {archive.stat().st_size / 1e6:.0f} MB")
    shutil.rmtree(context)
