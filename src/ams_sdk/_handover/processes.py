"""Processes, and pools of processes.

A process that is forked has the context anyway, and a worker of a pool that is forked has it for ever: so each piece of
work brings its own, also if that is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import Context

from ams_sdk._handover.in_context import InContext, carried, work_in
from ams_sdk._handover.patches import Patch
from ams_sdk._handover.threads import is_for_all

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATCHES"]


class _Run:
    """``run`` of a process whose class has one of its own."""

    def __init__(self, process: Any) -> None:  # noqa: ANN401 -- a process of any kind
        self.process = process

    def __call__(self) -> None:
        cast("Any", type(self.process)).run(self.process)


def _plain_run() -> object:
    from multiprocessing.process import BaseProcess  # noqa: PLC0415 -- imported already

    return BaseProcess.run


def _start(original: Callable[..., Any], process: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the method's own types
    context = carried()
    if context is None or is_for_all(process):
        return original(process, *args, **kwargs)
    own: dict[str, Any] = process.__dict__
    target = own.get("_target")
    name: str = "run"
    function: Callable[..., Any] = _Run(process)
    if target is not None and cast("Any", type(process)).run is _plain_run():
        name, function = "_target", target
    before = own.get(name)
    own[name] = InContext(context, function)
    try:
        return original(process, *args, **kwargs)
    finally:
        if name in own:  # a process that was started has lost its target
            if before is None:
                del own[name]
            else:
                own[name] = before


def _submit(original: Callable[..., Any], pool: object, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the same
    args, kwargs = work_in(carried() or Context(), args, kwargs)
    return original(pool, *args, **kwargs)


def _process() -> list[Patch]:
    from multiprocessing.process import BaseProcess  # noqa: PLC0415 -- imported already

    return [Patch(BaseProcess, "start", _start)]


def _executor() -> list[Patch]:
    from concurrent.futures.process import ProcessPoolExecutor  # noqa: PLC0415 -- imported already

    return [Patch(ProcessPoolExecutor, "submit", _submit)]


def _pool() -> list[Patch]:
    from multiprocessing.pool import Pool  # noqa: PLC0415 -- imported already

    return [Patch(Pool, name, _submit) for name in ("apply_async", "_map_async", "imap", "imap_unordered")]


PATCHES: Final[dict[str, Callable[[], list[Patch]]]] = {
    "multiprocessing.process": _process,
    "concurrent.futures.process": _executor,
    "multiprocessing.pool": _pool,
}
"""By the module that must have been imported."""
