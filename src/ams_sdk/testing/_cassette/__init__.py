"""Cassettes: the HTTP traffic of a model, recorded once and replayed without a network."""

from ams_sdk.testing._cassette.cassette import Cassette, Mode
from ams_sdk.testing._cassette.failure import CassetteError, CassetteMismatchError, SecretInCassetteError

__all__ = ["Cassette", "CassetteError", "CassetteMismatchError", "Mode", "SecretInCassetteError"]
