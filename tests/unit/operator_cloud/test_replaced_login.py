"""Exchanging a token: what was asked with the old one is answered, and nothing more is asked."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tenant_operator.cloud.port import fault
from tenant_operator.core.faults import Busy
from tenant_operator.providers.hetzner_api import THREADS, HetznerApi


class Slow(HetznerApi):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__("token-0123456789", endpoint="http://127.0.0.1:9/v1", fault=fault)
        self.answer = threading.Event()

    def _request(self, method: str, path: str, query: Any, body: Any) -> dict[str, Any]:
        assert self.answer.wait(60)
        return {"path": path}


async def test_requests_in_a_queue_outlive_their_login() -> None:
    api = Slow()
    asked = [asyncio.create_task(api.get(f"/{number}")) for number in range(3 * THREADS)]
    await asyncio.sleep(0)
    await api.close()
    api.answer.set()
    answers = await asyncio.gather(*asked)
    assert [answer["path"] for answer in answers] == [f"/{number}" for number in range(3 * THREADS)]
    with pytest.raises(Busy, match="replaced"):
        await api.get("/late")
