"""The code that a model provider gave an error, off the exception that its client raised."""

from __future__ import annotations

import re
from typing import Final

from ams_sdk._model_calls.shape import field, text

__all__ = ["provider_error_code"]

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{2,63}")


def provider_error_code(error: BaseException) -> str | None:
    """The code, where there is one that has few values: ``rate_limit_exceeded``, ``ThrottlingException``.

    OpenAI's clients keep it in ``code``, Anthropic's in the body, AWS's in the response, Google's in ``status``. A
    number is none: it says less than the name of the exception's class.
    """
    if not isinstance(error, Exception) or type(error).__module__ == "builtins":
        return None
    body = field(error, "body")
    candidates = (
        field(error, "code"),
        field(field(body, "error"), "code", "type"),
        field(body, "code"),
        field(error, "type"),
        field(field(field(error, "response"), "Error"), "Code"),
        field(error, "status"),
    )
    codes = (text(one) for one in candidates)
    return next((code for code in codes if code and _CODE.fullmatch(code)), None)
