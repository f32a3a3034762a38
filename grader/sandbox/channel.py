"""Messages between a box and its zygote: one JSON object a line over a local socket, with descriptors beside it."""

from __future__ import annotations

import array
import json
import socket
from collections import deque
from typing import Any

_MOST_FDS = 8
_MOST_BYTES = 1 << 16


class Channel:
    """One end of a connection; both ends are ours, so its messages are believed."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._data = b""
        self._fds: deque[int] = deque()

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        """Sends one message.

        Raises:
            OSError: The other end is gone, or has stopped reading.
        """
        line = json.dumps({**message, "fds": len(fds)}).encode("ascii") + b"\n"
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        # A line this short leaves in one piece, so several processes may share an end.
        sent = self.socket.sendmsg([line], ancillary)
        if sent < len(line):
            self.socket.sendall(line[sent:])

    def receive(self) -> list[tuple[dict[str, Any], list[int]]] | None:
        """Reads what is there and returns the whole messages in it, with their descriptors.

        Returns:
            Perhaps an empty list; None once the other end is closed.
        """
        try:
            data, ancillary, _, _ = self.socket.recvmsg(_MOST_BYTES, socket.CMSG_SPACE(_MOST_FDS * 4))
        except ConnectionError:
            return None
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
                self._fds.extend(fds)
        if not data:
            return None
        *lines, self._data = (self._data + data).split(b"\n")
        messages = [json.loads(line) for line in lines]
        return [(message, [self._fds.popleft() for _ in range(message.pop("fds"))]) for message in messages]

    def close(self) -> None:
        self.socket.close()
