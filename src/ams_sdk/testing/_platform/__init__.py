"""A platform for tests: the HTTP contract in memory, with a log, stubs, expectations and faults."""

from ams_sdk.testing._platform.failures import PlatformAssertionError
from ams_sdk.testing._platform.faults import (
    ClockSkew,
    Disconnect,
    DuplicateDelivery,
    Fault,
    Latency,
    Malformed,
    PartialSuccess,
    RateLimit,
    Status,
    Timeout,
    TokenExpired,
)
from ams_sdk.testing._platform.live import LivePlatform
from ams_sdk.testing._platform.platform import MockPlatform
from ams_sdk.testing._platform.request_log import PlatformRequest, RequestHeaders, RequestLog
from ams_sdk.testing._platform.routes import OperationName
from ams_sdk.testing._platform.seeding import Account, Seed, Seeded
from ams_sdk.testing._platform.stubs import OperationHandle, Stub

__all__ = [
    "Account",
    "ClockSkew",
    "Disconnect",
    "DuplicateDelivery",
    "Fault",
    "Latency",
    "LivePlatform",
    "Malformed",
    "MockPlatform",
    "OperationHandle",
    "OperationName",
    "PartialSuccess",
    "PlatformAssertionError",
    "PlatformRequest",
    "RateLimit",
    "RequestHeaders",
    "RequestLog",
    "Seed",
    "Seeded",
    "Status",
    "Stub",
    "Timeout",
    "TokenExpired",
]
