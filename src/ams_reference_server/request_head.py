"""What the head of a request has to say, and in which forms (RFC 9112, sections 3 and 6)."""

from __future__ import annotations

import re
from typing import Final

from ams_reference_server.errors import MalformedError, MethodNotAllowedError

__all__ = ["check", "origin_form", "with_known_method"]

_VERSIONS: Final = ("1.1", "1.0")
_NOT_IN_A_HOST: Final = frozenset(b"/?#@\\ \t,")
_ABSOLUTE: Final = re.compile(rb"https?://([^/?#@]+)((?:[/?][^#]*)?)", re.IGNORECASE)
_METHODS: Final = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_METHOD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}) ")
_KNOWN_TO_THE_PARSER: Final = frozenset(
    b"ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE "
    b"NOTIFY OPTIONS PATCH POST PRI PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE "
    b"UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)


def with_known_method(data: bytes) -> tuple[bytes, bytes | None]:
    """The first bytes of a request with a method that the parser knows, and the one that stood there if it was another.

    Any token may be a method (RFC 9110, section 9.1), and a path answers 405 to one that it does not know; the parser
    would refuse the request as no HTTP at all.
    """
    match = _METHOD.match(data)
    if match is None or match[1] in _KNOWN_TO_THE_PARSER:
        return data, None
    return b"GET" + data[match.end(1) :], match[1]


def origin_form(method: bytes, target: bytes) -> tuple[bytes, bytes | None]:
    """The path and query of a target, and the authority if the target names one.

    ``*``, which asks about the server as a whole, stays as it is: no route has this path.

    Raises:
        MethodNotAllowedError: it asks for a tunnel (RFC 9110, section 9.3.6), and this is no proxy.
        MalformedError: the target has none of the four forms, or one that its method does not know.
    """
    if method == b"CONNECT":
        raise MethodNotAllowedError(headers={"Allow": _METHODS})
    if target.startswith(b"/") or (target == b"*" and method == b"OPTIONS"):
        return target, None
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise MalformedError("The request target is none that an HTTP server knows (RFC 9112, section 3.2).")
    authority, path = absolute.groups()
    return path if path.startswith(b"/") else b"/" + path, authority


def check(version: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether there may be a body.

    Args:
        version: of HTTP, for example ``1.1``.
        headers: their names are in lower case.

    Raises:
        MalformedError: the version is another one, or the headers leave open where the body ends, or to whom the
            request goes.
    """
    if version not in _VERSIONS:
        raise MalformedError("Use HTTP/1.1.")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1") or any(map(_NOT_IN_A_HOST.intersection, hosts)):
        raise MalformedError("Send one Host header (RFC 9112, section 3.2).")
    encodings = [value for name, value in headers if name == b"transfer-encoding"]
    if encodings and (version == "1.0" or encodings[0].strip().lower() != b"chunked"):
        raise MalformedError("The only transfer encoding here is chunked, in HTTP/1.1.")
    return bool(encodings) or any(name == b"content-length" and value != b"0" for name, value in headers)
