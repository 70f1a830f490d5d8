"""The socket that the server listens on."""

from __future__ import annotations

import errno
import os
import socket

from ams_reference_server.errors import PortTakenError, SettingsError

__all__ = ["listen", "url_of"]

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Args:
        host: a name or an address.
        port: 0 takes a free one.

    Raises:
        PortTakenError: another program listens there.
        SettingsError: the address cannot be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not a name"
        raise SettingsError(f"--host {host} cannot be used: {reason}.") from None
    # asyncio turns Nagle's algorithm off, but only where the protocol is named; else an answer can wait for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} on {host} is taken by another program. End it, or choose another with --port."
            ) from None
        raise SettingsError(f"--host {host} --port {port} cannot be used: {error.strerror}.") from None
    return listener


def url_of(host: str, listener: socket.socket) -> str:
    """Where the listener is reached; ``host`` as the user wrote it."""
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if listener.family == socket.AF_INET6 else f"http://{host}:{port}"
