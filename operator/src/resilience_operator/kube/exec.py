"""Runs a program in a container, as `kubectl exec` does: a text in, its output back."""

import asyncio
import json
from typing import Any

from aiohttp import WSMsgType
from kubernetes.aio.stream.ws_client import (
    ERROR_CHANNEL,
    STDERR_CHANNEL,
    STDIN_CHANNEL,
    STDOUT_CHANNEL,
)

from resilience_operator.core.errors import TerminalError, TransientError
from resilience_operator.core.resources import PODS
from resilience_operator.kube.connection import Connection

_PIECE = 16 * 1024
_STDERR_TOLD = 300


async def run_in_pod(
    connection: Connection,
    namespace: str,
    pod: str,
    container: str,
    command: tuple[str, ...],
    text: str,
    seconds: float,
) -> str:
    """What the program wrote to its standard output; raises an ApiError if it did not end well.

    Its standard input stays open after `text`: the program has to know by itself where that ends.
    """
    query = [("container", container), ("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
    query += [("command", word) for word in command]
    said: dict[int, bytearray] = {
        channel: bytearray() for channel in (STDOUT_CHANNEL, STDERR_CHANNEL, ERROR_CHANNEL)
    }
    try:
        async with (
            asyncio.timeout(seconds),
            connection.channels(PODS.path(namespace, pod, "exec"), query) as socket,
        ):
            for piece in _pieces(text.encode()):
                await socket.send_bytes(bytes([STDIN_CHANNEL]) + piece)
            async for message in socket:
                if message.type is WSMsgType.BINARY and message.data:
                    said.setdefault(message.data[0], bytearray()).extend(message.data[1:])
    except TimeoutError as error:
        raise TransientError(
            f"the program in the pod did not end within {seconds:.0f} s"
        ) from error
    failure = _failure(bytes(said[ERROR_CHANNEL]))
    if failure:
        errors = bytes(said[STDERR_CHANNEL]).decode(errors="replace").strip()
        raise TerminalError(f"{failure}: {errors[-_STDERR_TOLD:]}" if errors else failure)
    return bytes(said[STDOUT_CHANNEL]).decode(errors="replace")


def _pieces(data: bytes) -> list[bytes]:
    return [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]


def _failure(status: bytes) -> str:
    """Why the program did not end well, from the `Status` that comes at its end; else empty."""
    if not status:
        return "the connection to the pod ended before the program did"
    parsed: dict[str, Any] = json.loads(status)
    if parsed.get("status") == "Success":
        return ""
    return str(parsed.get("message") or "the program failed")
