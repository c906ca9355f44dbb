"""One certificate authority per cluster, and the kubeconfig files that use it.

`openssl` makes the certificates: the standard library cannot, and a compiled dependency would be
a high price for a test's key pair. Elliptic-curve keys, so that one costs milliseconds.
"""

import base64
import json
import re
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError

_CONFIG = """
[req]
distinguished_name = subject
prompt = no
x509_extensions = extensions
[subject]
[extensions]
"""
_CA_EXTENSIONS = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
_LEAF_EXTENSIONS = (
    "basicConstraints=critical,CA:FALSE\n"
    "keyUsage=critical,digitalSignature,keyEncipherment\n"
    "extendedKeyUsage=serverAuth,clientAuth\n"
)


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path


def _subject(common_name: str, organizations: Sequence[str]) -> str:
    def escaped(value: str) -> str:
        return re.sub(r"([/\\+=])", r"\\\1", value)

    parts = [("O", name) for name in organizations] + [("CN", common_name)]
    return "".join(f"/{kind}={escaped(value)}" for kind, value in parts)


def _alternative_names(names: Sequence[str]) -> str:
    def kind(name: str) -> str:
        return "IP" if re.fullmatch(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:]*", name) else "DNS"

    listed = ",".join(f"{kind(name)}:{name}" for name in names)
    return f"subjectAltName={listed}\n" if listed else ""


class Authority:
    """A certificate authority in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.root = KeyPair(folder / "ca.crt", folder / "ca.key")
        if not self.root.certificate.exists():
            self._request("ca", "resilience-operator-e2e", (), _CA_EXTENSIONS)

    def issue(
        self,
        name: str,
        common_name: str,
        organizations: Sequence[str] = (),
        alternative_names: Sequence[str] = (),
    ) -> KeyPair:
        """A key pair for a server, a client, or both; its files are called `name`."""
        extensions = _LEAF_EXTENSIONS + _alternative_names(alternative_names)
        return self._request(name, common_name, organizations, extensions)

    def _request(
        self, name: str, common_name: str, organizations: Sequence[str], extensions: str
    ) -> KeyPair:
        pair = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        config = self._folder / f"{name}.cnf"
        config.write_text(_CONFIG + extensions)
        command = ["openssl", "req", "-x509", "-config", str(config), "-days", "3650", "-noenc"]
        command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        command += ["-subj", _subject(common_name, organizations)]
        command += ["-set_serial", str(secrets.randbits(63))]
        command += ["-keyout", str(pair.key), "-out", f"{pair.certificate}.new"]
        if pair != self.root:
            command += ["-CA", str(self.root.certificate), "-CAkey", str(self.root.key)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            raise ClusterError(f"openssl cannot make {name}: {answer.stderr.strip()}")
        pair.certificate.with_name(f"{name}.crt.new").rename(pair.certificate)
        return pair


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def write_kubeconfig(
    path: Path,
    *,
    cluster: str,
    server: str,
    authority: Authority,
    credential: KeyPair | str,
    namespace: str = "default",
) -> Path:
    """A kubeconfig for one identity: a client certificate, or a bearer token.

    It holds the certificates themselves, so that it can be copied into a container, and it is
    JSON, which is YAML.
    """
    user = (
        {"token": credential}
        if isinstance(credential, str)
        else {
            "client-certificate-data": _encoded(credential.certificate),
            "client-key-data": _encoded(credential.key),
        }
    )
    ca = _encoded(authority.root.certificate)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": cluster, "cluster": {"server": server, "certificate-authority-data": ca}}
        ],
        "users": [{"name": cluster, "user": user}],
        "contexts": [
            {
                "name": cluster,
                "context": {"cluster": cluster, "user": cluster, "namespace": namespace},
            }
        ],
        "current-context": cluster,
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=2) + "\n")
    return path
