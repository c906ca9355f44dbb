"""Free TCP ports of this machine."""

import contextlib
import socket


def free(count: int) -> list[int]:
    """That many different ports which nobody listens on now."""
    with contextlib.ExitStack() as stack:
        ports = []
        for _ in range(count):
            probe = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


def preferred(address: str, port: int) -> int:
    """That port, when nobody listens on it at the address; any free one otherwise."""
    for wanted in (port, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # Connections of an earlier listener that are not yet forgotten are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((address, wanted))
                return int(probe.getsockname()[1])
    raise OSError(f"no port is free on {address}")
