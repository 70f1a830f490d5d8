"""The contract as tests of somebody's own suite; pytest finds a method for each rule, and nothing here needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ams_sdk.testing.contract.platform_under_test import PlatformUnderTest
from ams_sdk.testing.contract.rule import known_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from ams_sdk.testing.contract.rule import Rule

__all__ = ["PlatformContract"]


class PlatformContract:
    """The contract of a platform, a test for each rule: ``test_<group>_<rule>``.

    A subclass says in a fixture ``platform`` where its platform is: a URL; an ``httpx.Client`` with a ``base_url``,
    whose transport and hooks are used; or a synchronous transport of httpx.

    Example::

        class TestMyPlatform(PlatformContract):
            @pytest.fixture
            def platform(self):
                return "http://127.0.0.1:8000"

    A rule that the platform is not to keep is left out with ``test_<group>_<rule> = None`` in the subclass, or marked
    there as any test is.

    Attributes:
        account: address and password of an account to use. None, as it is, lets the rules register accounts of their
            own; with one, rules that need an account of their own are skipped.
    """

    account: ClassVar[tuple[str, str] | None] = None
    _opened: ClassVar[tuple[object, PlatformUnderTest] | None] = None

    @classmethod
    def platform_under_test(cls, where: str | httpx.Client | httpx.BaseTransport) -> PlatformUnderTest:
        """The platform as the rules meet it; the same while ``where`` is, so that they can share an account there.

        Args:
            where: what the fixture ``platform`` gave.

        Raises:
            ConfigurationError: that is no place of a platform.
        """
        if cls._opened is not None and cls._opened[0] == where:
            return cls._opened[1]
        cls.teardown_class()
        email, password = cls.account or (None, None)
        opened = PlatformUnderTest(where, email=email, password=password)
        cls._opened = (where, opened)
        return opened

    @classmethod
    def teardown_class(cls) -> None:
        """Close the connections; pytest calls it after the last test of the class."""
        if cls._opened is not None:
            cls._opened[1].close()
            cls._opened = None


def _test_of(rule: Rule) -> Callable[[PlatformContract, Any], None]:
    def test(self: PlatformContract, platform: Any) -> None:  # noqa: ANN401 -- what the fixture gives is checked
        __tracebackhide__ = True
        rule.check(self.platform_under_test(platform))

    test.__name__ = f"test_{rule.name.replace('.', '_')}"
    test.__qualname__ = f"PlatformContract.{test.__name__}"
    test.__doc__ = rule.says
    return test


for _rule in known_rules():
    _test = _test_of(_rule)
    setattr(PlatformContract, _test.__name__, _test)
