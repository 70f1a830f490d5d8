"""Connections to other machines are refused while a test runs: what it forgot to replace is told at once."""

from __future__ import annotations

import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from ams_sdk._errors import AMSError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["NetworkBlock", "NetworkBlockedError"]


class NetworkBlockedError(AMSError, ConnectionError):
    """A test tried to reach another machine.

    An ``OSError`` like those of a network that is down, so that clients treat it as one.
    """

    __module__ = "ams_sdk.testing"  # by which users know it


class NetworkBlock:
    """Refuses connections and look-ups of names that would leave this machine, from ``close()`` to ``open()``.

    It replaces methods of Python's own sockets; code in C that opens sockets by itself gets past it. Blocks may be
    nested; the last one that opens restores what the first has found.
    """

    _lock = threading.Lock()
    _closed = 0
    _found: dict[str, Any] = {}  # noqa: RUF012 -- one for the process, as the methods are
    _owner: type[socket.socket] = socket.socket
    """Whose methods were replaced: a test may put another class in its place."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self._allowed: set[str] = set()

    def close(self) -> None:
        """Let nothing out."""
        cls = type(self)
        with cls._lock:
            cls._closed += 1
            _blocks.append(self)
            if cls._closed == 1:
                cls._owner = socket.socket
                for name in _METHODS:
                    cls._found[name] = socket.socket.__dict__.get(name)
                    setattr(socket.socket, name, _guarded(getattr(socket.socket, name), _METHODS[name]))
                for name in _LOOK_UPS:
                    cls._found[name] = getattr(socket, name)
                    setattr(socket, name, _guarded_lookup(cls._found[name], block_addresses=name == "gethostbyaddr"))

    def allow(self, host: str) -> None:
        """Let out what goes to this host, by its name or its address."""
        self._allowed.add(host.lower())

    def lets_out(self, host: object) -> bool:
        """Whether it may be reached."""
        return _text(host).lower() in self._allowed

    def resolved(self, host: object, found: Sequence[Any]) -> None:
        """These are the addresses of a host that may be reached, and so may they."""
        if self.lets_out(host):
            self._allowed |= {_text(address[0]).lower() for *_, address in found}

    def open(self) -> None:
        """Leave things as they were found."""
        cls = type(self)
        with cls._lock:
            cls._closed -= 1
            _blocks.remove(self)
            if cls._closed == 0:
                for name in _LOOK_UPS:
                    setattr(socket, name, cls._found.pop(name))
                for name, found in cls._found.items():
                    if found is None:
                        delattr(cls._owner, name)
                    else:
                        setattr(cls._owner, name, found)
                cls._found.clear()


_blocks: Final[list[NetworkBlock]] = []
_METHODS: Final = {"connect": 0, "connect_ex": 0, "sendto": -1, "sendmsg": 3}
"""Of a socket, with the place of the address among their arguments."""
_LOOK_UPS: Final = ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr")


def _guarded(method: Callable[..., Any], place: int) -> Callable[..., Any]:
    def guarded(connection: socket.socket, *args: Any) -> Any:  # noqa: ANN401 -- whatever the method takes
        host, port = _destination(args, place)
        is_internet = connection.family in {socket.AF_INET, socket.AF_INET6}
        if is_internet and host is not None and not _is_here(host) and not _is_let_out(host):
            _refuse(f"{_text(host)}:{port}")
        return method(connection, *args)

    return guarded


def _destination(args: tuple[Any, ...], place: int) -> tuple[Any, Any]:
    """Host and port among the arguments of a method; None for what goes nowhere."""
    address: Any = args[place] if len(args) > max(place, 0) else None
    if not isinstance(address, tuple):
        return None, None
    parts = cast("Sequence[Any]", address)
    return parts[0], parts[1]


def _guarded_lookup(lookup: Callable[..., Any], *, block_addresses: bool) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
        # A name that is looked up has left the machine as well. An address has not; where it leads is asked later.
        if not _is_here(host) and (block_addresses or not _is_address(host)) and not _is_let_out(host):
            _refuse(":".join([_text(host), *(str(port) for port in args[:1])]))
        found: Any = lookup(host, *args, **kwargs)
        if type(found) is list:
            for block in _blocks:
                block.resolved(host, cast("Sequence[Any]", found))
        return cast("Any", found)

    return guarded


def _is_let_out(host: object) -> bool:
    return all(block.lets_out(host) for block in _blocks)


def _refuse(place: str) -> None:
    for block in _blocks:
        block.refused.append(place)
    raise NetworkBlockedError(
        f"This test is offline, and something in it wants to reach {place}. Replace what is there: a model by the "
        "fixture ams_llm, recorded traffic by ams_cassette, the platform by ams. If the test needs that machine: "
        "@pytest.mark.ams(network=True)."
    )


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def _is_here(host: object) -> bool:
    if not host:  # None and "" mean this machine, or any of its addresses
        return True
    text = _text(host).partition("%")[0]
    if text.lower().rstrip(".") in {"localhost", "ip6-localhost", socket.gethostname().lower()}:
        return True
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text.lower().rstrip(".").endswith(".localhost")
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or address.is_unspecified or (mapped is not None and mapped.is_loopback)


def _is_address(host: object) -> bool:
    try:
        ipaddress.ip_address(_text(host).partition("%")[0])
    except ValueError:
        return False
    return True
