"""Where things live outside the checkout: built programs in the cache, clusters in the state.

Only the two XDG variables decide, so that a test can move everything into a folder of its own.
"""

import os
import re
from pathlib import Path

from e2e.cluster.errors import ClusterError

MODULES = Path(__file__).parent / "modules"
DEFAULT_NAME = "resilience-operator"

# The longest unix socket below a cluster's folder is the kubelet's plugin registration; the
# kernel takes 107 bytes for a socket's path.
_LONGEST_SOCKET = len("/kubelet/device-plugins/kubelet.sock")
_SOCKET_PATH_LIMIT = 107


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    base = Path(value) if value.startswith("/") else Path.home() / fallback
    return base / "resilience-operator"


def cache_folder() -> Path:
    """What can be made again: built programs, a private Go."""
    return _xdg("XDG_CACHE_HOME", ".cache")


def clusters_folder() -> Path:
    """The parent of every cluster's own folder."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "clusters"


def cluster_folder(name: str) -> Path:
    """The folder that holds all of one cluster's state."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", name):
        raise ClusterError(
            f"{name!r} is no cluster name: up to 40 lower-case letters, digits and inner dashes"
        )
    folder = clusters_folder() / name
    if len(os.fsencode(folder)) + _LONGEST_SOCKET > _SOCKET_PATH_LIMIT:
        raise ClusterError(f"{folder} is too long a path for unix sockets; set XDG_STATE_HOME")
    return folder
