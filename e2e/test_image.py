"""The operator's image, read from its archive: what is in it, what is not, and as whom it runs."""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from e2e.images.build import build
from e2e.images.catalogue import IMAGES

pytestmark = pytest.mark.timeout(1800)  # the first of them may have to build it

SBOM = "opt/sbom/resilience-operator.cdx.json"
WHITEOUT = ".wh."
NO_PLACE_IN_IT = {"gcc", "cc", "make", "ld", "as", "pip", "pip3", "uv", "cyclonedx-py", "git"}


@dataclass(frozen=True)
class Content:
    """An image as its pods see it: the files of all layers, one above the other."""

    config: dict[str, Any]
    files: dict[str, bytes | None]  # content of the few that are read here

    def distributions(self) -> set[tuple[str, str]]:
        """Name and version of every installed Python distribution."""
        metadata = (
            text for name, text in self.files.items() if name.endswith("/METADATA") and text
        )
        parsed = (Parser().parsestr(text.decode()) for text in metadata)
        return {(_plain(each["Name"]), each["Version"]) for each in parsed}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _read(archive: Path) -> Content:
    files: dict[str, bytes | None] = {}
    with tarfile.open(archive) as image:
        (manifest,) = json.loads(_content(image, "manifest.json"))
        for layer in manifest["Layers"]:
            stream = image.extractfile(layer)
            assert stream is not None
            with tarfile.open(fileobj=stream) as opened:
                for name, content in _members(opened):
                    _put(files, name, content)
        config = json.loads(_content(image, manifest["Config"]))
    return Content(config["config"], files)


def _members(layer: tarfile.TarFile) -> Iterator[tuple[str, bytes | None]]:
    for member in layer:
        name = str(PurePosixPath(member.name))
        wanted = name == SBOM or name.endswith(".dist-info/METADATA")
        yield name, _content(layer, member) if wanted and member.isfile() else None


def _put(files: dict[str, bytes | None], name: str, content: bytes | None) -> None:
    """A file of a layer; a whiteout takes away what lower layers have there."""
    path = PurePosixPath(name)
    if not path.name.startswith(WHITEOUT):
        files[name] = content
        return
    gone = str(path.with_name(path.name.removeprefix(WHITEOUT)))
    for each in [each for each in files if each == gone or each.startswith(f"{gone}/")]:
        del files[each]


def _content(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None
    return stream.read()


@pytest.fixture(scope="module")
def image() -> Content:
    """The image as it is built from this checkout."""
    ((_, archive),) = build([IMAGES["operator"]])
    return _read(archive)


def test_the_sbom_lists_every_installed_distribution(image: Content) -> None:
    sbom = json.loads(image.files[SBOM] or b"")

    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(_plain(one["name"]), one["version"]) for one in sbom["components"]}
    assert listed == image.distributions()
    assert {"resilience-operator", "kopf", "aiohttp", "psycopg"} <= {name for name, _ in listed}


def test_it_says_under_which_licence_they_are(image: Content) -> None:
    sbom = json.loads(image.files[SBOM] or b"")

    without = {one["name"] for one in sbom["components"] if not one.get("licenses")}
    assert without <= {"protobuf"}  # its metadata names none


def test_nothing_that_builds_or_installs_is_in_it(image: Content) -> None:
    programs = {name for name in image.files if PurePosixPath(name).parent.name in ("bin", "sbin")}

    assert "usr/bin/python3" in programs or "usr/local/bin/python3" in programs
    assert NO_PLACE_IN_IT & {PurePosixPath(name).name for name in programs} == set()
    of_the_build = ("wheels", "project", "sbom", "opt/sbom-")
    assert not [name for name in image.files if name.startswith(of_the_build)]


def test_it_runs_as_nobody_special(image: Content) -> None:
    assert image.config["User"] == "65532:65532"
    assert image.config["Entrypoint"] == ["python3", "-m", "resilience_operator.main"]
