"""A cassette: what a test asks of other machines by HTTP, recorded once and replayed from then on."""

from __future__ import annotations

import re
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast
from urllib.parse import urlsplit

from ams_sdk._capture import REDACTED
from ams_sdk._errors import ConfigurationError
from ams_sdk.testing._cassette.cassette_file import read_exchanges, write_exchanges
from ams_sdk.testing._cassette.exchange import KEPT_OF_REQUESTS, KEPT_OF_RESPONSES, RecordedRequest, kept
from ams_sdk.testing._cassette.failure import CassetteError, CassetteMismatchError
from ams_sdk.testing._cassette.interception import Interception
from ams_sdk.testing._cassette.matching import is_same, nearest, told_difference
from ams_sdk.testing._cassette.recording import Recording
from ams_sdk.testing._cassette.secret_scan import CREDENTIALS, credentials_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from ams_sdk.testing._cassette.exchange import Exchange, RecordedResponse
    from ams_sdk.testing._cassette.interception import Sent

__all__ = ["Cassette", "Mode"]

Mode = Literal["none", "once", "all"]
"""What is recorded: nothing; a cassette that is not there; each anew."""

_MOST_TOLD: Final = 8


class Cassette:
    """Records or replays what httpx and httpx2 clients ask, whoever uses them, in its ``with`` block.

    An exchange answers the first request that is the same: method, address and body; each answers once. A request that
    none answers raises ``CassetteMismatchError`` where it is made, and the test fails with it in the end even if the
    code under test survives it.

    Args:
        path: the file, JSON.
        mode: ``none`` replays only; ``once`` records if the file is not there; ``all`` records anew.
        ignore: of the addresses that are none of the cassette's business, asked with the whole address.
        allow: told of each host that is asked while recording.

    Attributes:
        path: the file.
        is_recording: whether the network is asked.
        timing: how much of the recorded pauses is waited for: 0 replays at once, 1 as it was recorded.
        allow_unused: whether exchanges that nobody asked for are fine.

    Raises:
        CassetteError: the file cannot be read.
        ConfigurationError: there is no such mode.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        mode: Mode = "none",
        *,
        ignore: Callable[[str], bool] = lambda _: False,
        allow: Callable[[str], None] = lambda _: None,
    ) -> None:
        if mode not in {"none", "once", "all"}:
            raise ConfigurationError(f"mode={mode!r} cannot be used: write none, once or all.")
        self.path: Path = Path(path)
        self.is_recording: bool = mode == "all" or (mode == "once" and not self.path.exists())
        self.timing: float = 0.0
        self.allow_unused: bool = False
        self._ignore = ignore
        self._allow = allow
        self._lock = threading.Lock()
        self._kept = KEPT_OF_RESPONSES
        self._replacements: list[tuple[re.Pattern[str], str]] = []
        self._credentials: list[str] = []
        self._interception = Interception(self)
        self._exchanges: list[Exchange] = [] if self.is_recording else read_exchanges(self.path)
        self._recordings: list[Recording] = []
        self._recorded: list[Exchange | BaseException | None] = []
        self._used: set[int] = set()
        self._mismatches: list[str] = []

    def replace(self, pattern: str | re.Pattern[str], replacement: str) -> None:
        """Write something else into the cassette, and look for that too: for secrets, and for what changes in each run.

        Args:
            pattern: a regular expression.
            replacement: as ``re.sub`` takes it.

        Raises:
            ConfigurationError: it is no regular expression.
        """
        try:
            self._replacements.append((re.compile(pattern), replacement))
        except re.error as error:
            raise ConfigurationError(f"replace({pattern!r}, …): this is no regular expression ({error}).") from None

    def keep_headers(self, *names: str) -> None:
        """Record these headers of answers too.

        Raises:
            ConfigurationError: one of them would hold a credential.
        """
        for name in names:
            if name.lower() in CREDENTIALS | {"set-cookie"}:
                raise ConfigurationError(
                    f"keep_headers({name!r}): that header is a credential, which no cassette holds."
                )
        self._kept |= {name.lower() for name in names}

    def __enter__(self) -> Self:
        self._interception.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None:
        self._interception.stop()

    def verify(self) -> None:
        """Whether the test asked what was recorded; a cassette that was recording is written.

        Raises:
            CassetteMismatchError: it asked something else, or not everything.
            SecretInCassetteError: what was recorded holds a secret; nothing was written.
            CassetteError: it cannot be written, or nothing was recorded.
        """
        __tracebackhide__ = True
        if self.is_recording:
            self._write()
            return
        if self._mismatches:
            raise CassetteMismatchError("\n\n".join(self._mismatches[:_MOST_TOLD]))
        unused = [exchange for number, exchange in enumerate(self._exchanges) if number not in self._used]
        if unused and not self.allow_unused:
            lines = [f"  {exchange.request.method} {exchange.request.url}" for exchange in unused[:_MOST_TOLD]]
            raise CassetteMismatchError(
                f"{len(unused)} of the {len(self._exchanges)} requests in {self.path} were not made:\n"
                + "\n".join(lines)
                + "\nIf that is right, record anew with --ams-record=all, or set ams_cassette.allow_unused = True."
            )

    def transcript(self) -> str:
        """What was asked and what answered, a line each; mismatches whole."""
        verb = "recorded" if self.is_recording else "replayed"
        used = [self._exchanges[number] for number in sorted(self._used)]
        if self.is_recording:
            used = [one for one in self._recorded if one is not None and not isinstance(one, BaseException)]
        lines = [f"{verb}  {one.request.method} {one.request.url}  {one.response.status}" for one in used]
        return "\n\n".join(["\n".join(lines)] * bool(lines) + self._mismatches)

    # What Interception asks.

    def answer(self, sent: Sent) -> RecordedResponse | None:
        """The recorded answer; None while recording, and for what is ignored.

        Raises:
            CassetteMismatchError: none was recorded.
        """
        if self.is_recording or self._ignore(sent.url):
            return None
        asked = self._request(sent)
        with self._lock:
            for number, exchange in enumerate(self._exchanges):
                if number not in self._used and is_same(exchange.request, asked):
                    self._used.add(number)
                    return exchange.response
            told = self._told(asked)
            for secret in credentials_of(sent.headers, sent.url):
                told = told.replace(secret, REDACTED)
            self._mismatches.append(told)
        raise CassetteMismatchError(told)

    def recorder(self, sent: Sent) -> Recording | None:
        """What keeps the answer to a request that goes out; None if it is ignored."""
        if not self.is_recording or self._ignore(sent.url):
            return None
        self._allow(urlsplit(sent.url).hostname or "")
        # Packed, nobody could read the cassette.
        sent.request.headers = [
            (name, value) for name, value in sent.request.headers if name.lower() != b"accept-encoding"
        ] + [(b"accept-encoding", b"identity")]
        with self._lock:
            self._credentials += credentials_of(sent.headers, sent.url)
            place = len(self._recordings)  # in the order of the requests, whichever answer is the first to end
            recording = Recording(self._request(sent), self._kept, partial(self._keep, place))
            self._recordings.append(recording)
            self._recorded.append(None)
        return recording

    def pause(self, seconds: float) -> float:
        """How long to wait where the recording has waited so long."""
        return seconds * self.timing

    def _keep(self, place: int, exchange: Exchange | BaseException) -> None:
        self._recorded[place] = exchange

    def _write(self) -> None:
        if not self._recordings:
            raise CassetteError(
                f"The test asked nothing that could be recorded for {self.path}, and nothing is written. Clients of "
                "httpx and httpx2 are seen, those of openai and anthropic among them; urllib, requests and aiohttp are "
                "not, nor is what goes to the platform or the scripted model. If it need not ask, leave the cassette "
                "out."
            )
        for recording in self._recordings:
            recording.end()  # of one that nobody has closed, what was read
        broken = [one for one in self._recorded if isinstance(one, BaseException)]
        if broken:
            raise CassetteError(
                f"What was recorded for {self.path} is not written: an answer broke off ({type(broken[0]).__name__}: "
                f"{broken[0]}), which could only be replayed as another one. Record it again."
            )
        self._exchanges = [one for one in self._recorded if one is not None and not isinstance(one, BaseException)]
        documents = [self._replaced(exchange.document()) for exchange in self._exchanges]
        # Joined and unpacked as well: in pieces, or in base64, nobody would recognise a secret.
        bodies = [b"".join(piece.data for piece in one.response.pieces) for one in self._exchanges]
        told = [self._replaced(body.decode("utf-8", "replace")) for body in bodies]
        write_exchanges(self.path, documents, self._credentials, told)

    def _request(self, sent: Sent) -> RecordedRequest:
        request = RecordedRequest.of(sent.method, sent.url, kept(sent.headers, KEPT_OF_REQUESTS), sent.body)
        return RecordedRequest.read(self._replaced(request.document()))

    def _replaced(self, document: Any) -> Any:  # noqa: ANN401 -- JSON
        if isinstance(document, str):
            for pattern, replacement in self._replacements:
                document = pattern.sub(replacement, document)
            return document
        if isinstance(document, dict):
            return {name: self._replaced(value) for name, value in cast("dict[str, Any]", document).items()}
        if isinstance(document, list):
            return [self._replaced(value) for value in cast("Sequence[Any]", document)]
        return document

    def _told(self, asked: RecordedRequest) -> str:
        head = f"{asked.method} {asked.url} is not in {self.path}"
        times = sum(is_same(exchange.request, asked) for exchange in self._exchanges)
        how = "Record it anew with --ams-record=all."
        if times:
            return f"{head} once more: it was recorded {times} time{'s' * (times > 1)}, and came again. {how}"
        closest = nearest(self._exchanges, asked)
        if closest is None:
            return f"{head}, which holds nothing. {how}"
        return (
            f"{head}. The nearest that was recorded differs so:\n{told_difference(closest.request, asked)}\n{how} "
            "What changes in each run can be replaced: ams_cassette.replace(pattern, replacement)."
        )
