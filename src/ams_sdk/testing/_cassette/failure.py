"""What is wrong with a cassette, or with a test that has one."""

from __future__ import annotations

from ams_sdk._errors import AMSError

__all__ = ["CassetteError", "CassetteMismatchError", "SecretInCassetteError"]


class CassetteError(AMSError):
    """A cassette is not there, or cannot be read or written."""

    __module__ = "ams_sdk.testing"  # by which users know it


class CassetteMismatchError(CassetteError, AssertionError):
    """The test asked something that was not recorded, or did not ask all that was."""

    __module__ = "ams_sdk.testing"  # by which users know it


class SecretInCassetteError(CassetteError, AssertionError):
    """What was recorded holds a secret, and was not written."""

    __module__ = "ams_sdk.testing"  # by which users know it
