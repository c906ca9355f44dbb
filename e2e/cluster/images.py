"""Image archives of one static program, as `docker save` writes them, made without an engine."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Sequence
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# An ordinary user's id, so that the image also runs where root is refused.
_USER = "65532:65532"


def _member(name: str, content: bytes, mode: int = 0o644) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = mode
    return info, io.BytesIO(content)


def _layer(program: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        layer.addfile(*_member(program.name, program.read_bytes(), 0o755))
    return buffer.getvalue()


def write_archive(
    archive: Path, *, reference: str, program: Path, arguments: Sequence[str] = ()
) -> None:
    """An image whose only file is the program, which is also what it starts."""
    layer = _layer(program)
    digest = hashlib.sha256(layer).hexdigest()
    machine = platform.machine()
    config = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Entrypoint": [f"/{program.name}", *arguments], "User": _USER},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created_by": "resilience-operator e2e"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    layer_name = f"{digest}/layer.tar"
    manifest = [{"Config": config_name, "RepoTags": [reference], "Layers": [layer_name]}]
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, mode="w") as out:
        out.addfile(*_member(config_name, config))
        out.addfile(*_member(layer_name, layer))
        out.addfile(*_member("manifest.json", json.dumps(manifest).encode()))
