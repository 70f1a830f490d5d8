"""Threads, and pools of threads."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context

from ams_sdk._background import THREADS
from ams_sdk._handover.in_context import InContext, carried, work_in
from ams_sdk._handover.patches import Patch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATCHES", "is_for_all"]

# Threads and processes that work for whoever comes; each piece of work brings its own context.
_POOLS: Final = ("concurrent.futures.", "multiprocessing.")
# With it a thread of a pool begins in the context of whoever needed it first (Python 3.14, free-threaded by default).
_INHERITS: Final = bool(getattr(sys.flags, "thread_inherit_context", False))


def is_for_all(worker: Any) -> bool:  # noqa: ANN401 -- a thread or a process
    """Whether a thread or a process is one of a pool's."""
    target = getattr(worker, "_target", None)
    if target is None:
        return type(worker).__module__.startswith(_POOLS)
    # Of the functions of these modules only the private ones, and those that are called worker, are what workers do.
    name = str(getattr(target, "__name__", ""))
    return str(getattr(target, "__module__", "")).startswith(_POOLS) and (name.startswith("_") or name == "worker")


def _start(original: Callable[..., Any], thread: threading.Thread, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the method's own types
    context = carried()
    is_made = getattr(thread, "_initialized", False)
    if context is None or not is_made or thread.name.startswith(THREADS) or is_for_all(thread):
        return original(thread, *args, **kwargs)
    own = vars(thread)
    before = own.get("run")
    # On the instance: a subclass may have a ``run`` of its own. It is there until the thread begins.
    run = InContext(context, thread.run)

    def put_back() -> None:
        if own.get("run") is begin:
            if before is None:
                del own["run"]
            else:
                own["run"] = before

    def begin() -> None:
        put_back()
        run()

    own["run"] = begin
    try:
        return original(thread, *args, **kwargs)
    except BaseException:
        put_back()
        raise


def _submit(original: Callable[..., Any], pool: object, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
    context = carried()
    if context is not None or _INHERITS:
        args, kwargs = work_in(context or Context(), args, kwargs)
    return original(pool, *args, **kwargs)


def _thread_pool() -> list[Patch]:
    from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415 -- imported already

    return [Patch(ThreadPoolExecutor, "submit", _submit)]


PATCHES: Final[dict[str, Callable[[], list[Patch]]]] = {
    "threading": lambda: [Patch(threading.Thread, "start", _start)],
    "concurrent.futures.thread": _thread_pool,
}
"""By the module that must have been imported."""
