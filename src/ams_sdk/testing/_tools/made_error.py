"""An exception as a recorded one was: of its class, and saying the same."""

from __future__ import annotations

__all__ = ["made_error"]


def made_error(error: BaseException | type[BaseException], message: str | None) -> BaseException:
    """An exception to raise.

    A class that wants more than a message gets an exception without it: what it keeps besides is not known, and what
    it says is.

    Args:
        error: the exception, which is raised as if for the first time; or its class.
        message: what one of the class says.
    """
    if isinstance(error, BaseException):
        return error.with_traceback(None)
    if message is None:
        return error()
    try:
        made = error(message)
        if str(made) == message:
            return made
    except Exception:  # noqa: BLE001, S110 -- it wants other arguments, which nobody has recorded
        pass
    return _saying(error, message)


def _saying(kind: type[BaseException], message: str) -> BaseException:
    """An exception that a ``except`` for the class catches, and whose text is the message whatever the class makes."""

    def says(_self: BaseException) -> str:
        return message

    namespace = {
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__str__": says,
        "__doc__": kind.__doc__,
    }
    made: BaseException = BaseException.__new__(type(kind.__name__, (kind,), namespace))
    made.args = (message,)
    return made
