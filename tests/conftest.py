"""What every test may use: fixtures by subject, and a skip that cannot hide in CI."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
import structlog

pytest_plugins = [
    "plugins.fix_container",
    "plugins.fix_images",
    "plugins.fix_rows",
    "plugins.fix_db",
    "plugins.fix_hetzner_adapter",
    "plugins.fix_kube",
    "plugins.fix_hetzner",
    "plugins.fix_localcloud",
    "plugins.fix_model_server",
    "plugins.fix_memory_chain",
    "plugins.fix_memory_machines",
    "plugins.fix_chain",
    "plugins.fix_host_machine",
    "plugins.fix_ssh_server",
    "plugins.fix_operator",
]


def pytest_configure() -> None:
    """Log without colours and with plain tracebacks; structlog's own show every local variable."""
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[structlog.processors.add_log_level, renderer])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip of a container test into a failure where `REQUIRE_E2E=1` promises it can run."""
    report = yield
    needs_machine = item.get_closest_marker("container") or item.get_closest_marker("e2e")
    if report.skipped and needs_machine and os.environ.get("REQUIRE_E2E") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped although REQUIRE_E2E=1: {report.longrepr}"
    return report
