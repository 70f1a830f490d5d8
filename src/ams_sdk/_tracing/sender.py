"""Encoded batches go to where they are taken, in a thread of its own: the network may hang, the spool must not wait.

What fails is tried again for as long as the process lives, with growing pauses. A batch that is on disk is never given
up here: the next process finds it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Final

from ams_sdk._background import importing, untraced
from ams_sdk._errors import AMSError, ConfigurationError, LoginExpiredError, PlatformUnreachableError, ProtocolError
from ams_sdk._guard import guard
from ams_sdk._tracing.lone_thread import LoneThread
from ams_sdk._tracing.parcels import Parcel, Parcels
from ams_sdk._tracing.pipeline import Counts
from ams_sdk._tracing.verdict import Outcome, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from ams_sdk._client import Answer, SpanIntake
    from ams_sdk._connection import Connection
    from ams_sdk._tracing.spool import Spool

__all__ = ["Sender"]

logger = logging.getLogger("ams_sdk")

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_LONGEST_ASKED: Final = 600.0
"""Seconds of a pause that a platform asks for; by more, one answer could silence a program for ever."""
_OK: Final = 200
_LOOK_AROUND: Final = 60.0
"""Seconds between two looks for batches of processes that are gone."""
_MOST_AT_ONCE: Final = 500
"""Batches that are taken over at a time: the rest is there for other processes too."""
_BUSY: Final = 1.0
"""Seconds until the next try to look."""


_of_parents: Final[list[object]] = []
"""Connections of the process that this one was forked from: neither used, nor closed, nor collected here."""


class Sender:
    """A queue of batches and jobs, and a daemon thread that works them off.

    Args:
        open_intake: makes what posts; called from the thread, since it imports an HTTP client.
        connection: where to, and with which credential.
        spool: where batches are kept until they have arrived; None keeps them in memory.
        name: shown in the thread's name.
    """

    def __init__(
        self, open_intake: Callable[[], SpanIntake], connection: Connection, spool: Spool | None, name: str
    ) -> None:
        self._open_intake = open_intake
        self._connection = connection
        self._spool = spool
        self._name = name
        self._refusal_is_told = False
        self._begin()

    def after_fork(self) -> None:
        """Begin anew in the child of a fork: what the parent has to send is the parent's."""
        _of_parents.append(self._intake)
        self._begin()

    def _begin(self) -> None:
        self._renew_lock()
        self._thread = LoneThread(self._work, f"{self._name} sender", self._renew_lock)
        self._intake: SpanIntake | None = None
        self._parcels = Parcels()
        self._jobs: list[Callable[[], None]] = []
        self._offered = self._settled = self._jobs_offered = self._jobs_done = 0
        self._pause = _FIRST_PAUSE
        self._not_before = 0.0
        self._pause_was_asked_for = self._failed_last = self._is_closing = self._is_done = False
        self._has_ended = False
        self._next_look = 0.0 if self._spool is not None else math.inf
        self._exported = self._failed = self._delivered_for_others = self._retried = self._bytes = 0
        self._dropped: dict[str, int] = {}
        self._seconds = 0.0

    def _renew_lock(self) -> None:
        # The lock is entered by itself: the condition's own way in is Python code, and what a signal handler
        # raises in it would leave the lock held for ever.
        self._lock = threading.RLock()
        self._condition = threading.Condition(self._lock)

    def open(self) -> None:
        """Start the thread: there will be something to send."""
        with self._lock:
            self._start()

    def look_around(self) -> None:
        """Send what other processes left behind, if there is anything."""
        if self._spool is not None and os.path.exists(self._spool.folder):  # noqa: PTH110 -- False where it may not look
            self.open()

    def offer(self, parcel: Parcel) -> None:
        """Take a batch; never waits on the network."""
        with self._lock:
            self._offered += 1
            for lost in self._parcels.add(parcel):
                self._settled += 1
                self._drop("memory full", lost.spans)
            self._start()

    def submit_job(self, job: Callable[[], None]) -> None:
        """Let the thread run this before it sends what comes later, for example the registration of an agent."""
        with self._lock:
            if not self._is_closing:
                self._jobs.append(job)
                self._jobs_offered += 1
                self._start()

    def flush(self, deadline: float) -> bool:
        """Wait until what was offered has arrived; False if it has not by then.

        A pause that was not asked for ends now.
        """
        with self._lock:
            offered, jobs = self._offered, self._jobs_offered
            if not self._pause_was_asked_for:
                self._not_before = 0.0
            self._condition.notify_all()
            return self._condition.wait_for(
                lambda: self._settled >= offered and self._jobs_done >= jobs, max(0.0, deadline - time.monotonic())
            )

    def hurry(self) -> None:
        """The program ends: what fails from now on is not tried again."""
        with self._lock:
            self._is_closing = True
            if not (self._pause_was_asked_for or self._parcels.all_on_disk):
                # It would be lost with the process, so it has one more try, now.
                self._failed_last, self._not_before = False, 0.0
            self._condition.notify_all()

    def join(self, deadline: float) -> bool:
        """After the last offer, wait for the end of the thread; answers whether everything has arrived."""
        with self._lock:
            self._is_done = True
            self._condition.notify_all()
        self._thread.join(deadline)
        with self._lock:
            return self._settled >= self._offered and not self._failed

    def counts(self) -> Counts:
        """What became of the batches, in spans."""
        with self._lock:
            waiting, spooled = self._parcels.spans()
            return Counts(
                exported=self._exported,
                failed=self._failed,
                for_others=self._delivered_for_others,
                dropped=dict(self._dropped),
                waiting=waiting,
                spooled=spooled,
                retried=self._retried,
                bytes=self._bytes,
                seconds=self._seconds,
            )

    def _start(self) -> None:
        if not self._has_ended:
            self._thread.start()
        with self._lock:  # which the start may have renewed; else the caller has it
            self._condition.notify_all()

    def _work(self) -> None:
        with untraced():
            while self._wait_for_work():
                with guard(f"{self._name}: sending", BaseException):  # nothing ends this thread before its time
                    self._run_jobs()
                    self._adopt()
                    with self._lock:
                        parcel = self._parcels.first()
                    if parcel is not None and time.monotonic() >= self._not_before:
                        self._deliver(parcel)
                self._seconds = time.thread_time()
            self._end()

    def _wait_for_work(self) -> bool:
        """Wait; False if there is nothing more to do for this process."""
        with self._lock:
            while not self._jobs:
                now = time.monotonic()
                parcel = self._parcels.first()
                # What failed a moment ago would most likely cost the end its whole time.
                if self._is_done and (self._failed_last or not self._parcels.has_own):
                    return False
                if (parcel and now >= self._not_before) or now >= self._next_look:
                    return True
                wake = min(self._not_before, self._next_look) if parcel else self._next_look
                self._condition.wait(None if wake == math.inf else wake - now)
            return True

    def _run_jobs(self) -> None:
        while self._jobs:
            job = self._jobs.pop(0)
            with guard(f"{self._name}: a job", BaseException):
                job()
            with self._lock:
                self._jobs_done += 1
                self._condition.notify_all()

    def _adopt(self) -> None:
        """Look now and then for batches of processes that are gone; what is of this process goes first."""
        now = time.monotonic()
        if self._spool is None or now < self._next_look:
            return
        if self._parcels.first() is not None or self._is_closing:
            self._next_look = now + _BUSY
            return
        self._next_look = now + _LOOK_AROUND
        with guard(f"{self._name}: looking for spans that were left behind"):
            found = self._spool.orphans(_MOST_AT_ONCE)  # may take a while, during which others may offer
            with self._lock:
                for batch in found:
                    self._parcels.add(Parcel(batch.spans, stored=batch, is_own=False))
            if found:
                self._next_look = now + _BUSY  # there may be more

    def _deliver(self, parcel: Parcel) -> None:
        try:
            message = parcel.message()
        except FileNotFoundError:  # dropped as the oldest, by whoever needed the room and counted it
            self._settle(parcel)
            return
        except OSError as error:  # no file descriptors left, a disk that fails: it may be readable later
            logger.debug("ams_sdk: a batch cannot be read: %s", error)
            self._failed_last = True
            self._postpone(Verdict(Outcome.LATER))
            return
        parcel.is_in_flight = True
        verdict = self._attempt(message, parcel)
        parcel.is_in_flight = False
        self._failed_last = verdict.outcome in {Outcome.LATER, Outcome.UNAUTHORIZED}
        if self._failed_last:
            self._postpone(verdict)
            return
        self._pause, self._not_before = _FIRST_PAUSE, 0.0
        is_refused = verdict.outcome is Outcome.REFUSED
        parcel.set_aside() if is_refused else parcel.discard()
        with self._lock:
            arrived = 0 if is_refused else max(0, parcel.spans - verdict.rejected)
            if parcel.is_own:
                self._exported += arrived
                self._failed += parcel.spans - arrived
            else:
                self._delivered_for_others += arrived
        self._settle(parcel)

    def _settle(self, parcel: Parcel) -> None:
        with self._lock:
            if self._parcels.remove(parcel) and parcel.is_own:
                self._settled += 1
            self._condition.notify_all()

    def _attempt(self, message: bytes, parcel: Parcel) -> Verdict:
        self._retried += parcel.attempts > 0
        parcel.attempts += 1
        try:
            verdict = judge(self._post(message))
        except LoginExpiredError as error:
            self._tell_once(str(error))
            verdict = Verdict(Outcome.UNAUTHORIZED)
        except ConfigurationError as error:
            self._tell_once(str(error))
            verdict = Verdict(Outcome.LATER)
        except (PlatformUnreachableError, ProtocolError) as error:
            logger.debug("ams_sdk: spans were not taken: %s", error)
            verdict = Verdict(Outcome.LATER)
        except Exception:  # a fault of ours: counted and told as one, and the spans wait for the next try
            with guard(f"{self._name}: sending spans"):
                raise
            verdict = Verdict(Outcome.LATER)
        if verdict.outcome is Outcome.REFUSED:
            self._tell_once(
                f"{self._connection.endpoint} refuses spans with status {verdict.status}; is it a platform?"
            )
        elif verdict.outcome is Outcome.LATER and verdict.status == _OK:
            self._tell_once(f"{self._connection.endpoint} answers with a page; is a sign-in in between?")
        if verdict.outcome is Outcome.UNAUTHORIZED and self._has_new_credential():
            return self._attempt(message, parcel)
        return verdict

    def _post(self, message: bytes) -> Answer:
        if self._intake is None:
            with importing:
                self._intake = self._open_intake()
        answer = self._intake.post(message)
        self._bytes += answer.sent
        return answer

    def _has_new_credential(self) -> bool:
        renewed = False
        with contextlib.suppress(AMSError):
            renewed = self._connection.renew()
        if not renewed:
            self._tell_once(
                f"{self._connection.endpoint} refuses the credential; run: ams login, or set a valid AMS_API_KEY"
            )
        return renewed

    def _postpone(self, verdict: Verdict) -> None:
        asked = min(verdict.pause or 0.0, _LONGEST_ASKED)
        # The jitter keeps a thousand agents from coming back in the same moment.
        wait = max(self._pause * random.uniform(0.5, 1.0), asked)  # noqa: S311 -- no secret
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        with self._lock:
            # The platform asks the client for a pause, not the batch: all wait.
            self._not_before = time.monotonic() + wait
            self._pause_was_asked_for = asked > 0

    def _tell_once(self, reason: str) -> None:
        # The one thing that is worth a line in the program's log: nothing will arrive until somebody acts.
        if not self._refusal_is_told:
            self._refusal_is_told = True
            logger.warning("ams_sdk: no trace arrives. %s", reason)

    def _drop(self, reason: str, spans: int) -> None:
        if spans:
            self._dropped[reason] = self._dropped.get(reason, 0) + spans

    def _end(self) -> None:
        with self._lock:
            self._has_ended = True
            spans, on_disk = self._parcels.spans()
            self._drop("not sent at the end", spans - on_disk)
        if self._intake is not None:
            with guard(f"{self._name}: closing its connections"):
                self._intake.close()
        if self._spool is not None:
            with guard(f"{self._name}: leaving the spool"):
                self._spool.close()
