"""The contract, the same rules, on each platform that there is."""

from __future__ import annotations

import pytest

from ams_sdk.testing.contract import PlatformContract


class TestMockInProcess(PlatformContract):
    @pytest.fixture
    def platform(self, mock_in_process, checked):
        return checked(mock_in_process.url, transport=mock_in_process.transport)


class TestMockOnPort(PlatformContract):
    @pytest.fixture
    def platform(self, mock_on_port, checked):
        return checked(mock_on_port)


class TestServerOnSQLite(PlatformContract):
    @pytest.fixture
    def platform(self, sqlite_server, checked):
        return checked(sqlite_server)


class TestServerOnPostgreSQL(PlatformContract):
    @pytest.fixture
    def platform(self, postgresql_server, checked):
        return checked(postgresql_server)
