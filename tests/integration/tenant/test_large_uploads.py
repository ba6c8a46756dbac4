"""A gigabyte is refused at the limit: neither memory nor disk grows with it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from demo import agent as launcher
from demo.agent import Place
from plugins.agent_client import AgentUser
from plugins.agent_parts import Parts, migrate

MEBIBYTE = 2**20
BOUNDARY = "frontier"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="riesig.pdf"'
    "\r\n\r\n%PDF-1.7\n"
).encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def parts(own_place: Place) -> Iterator[Parts]:
    """A web process that takes 4 MB."""
    made = Parts(own_place, AGENT_MAX_UPLOAD_MIB="4")
    migrate(own_place, made.settings)
    try:
        yield made
    finally:
        made.close()


def gigabyte() -> Iterator[bytes]:
    """A body of one gigabyte, made as it is sent."""
    piece = b"x" * MEBIBYTE
    yield HEAD
    for _ in range(1024):
        yield piece
    yield TAIL


def peak(process: int) -> int:
    """Return the most memory a process has had, in bytes."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found.group(1)) * 1024


class Watch:
    """The most bytes that lay in a folder while the block ran."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.most = 0

    def _look(self) -> None:
        while not self._over.wait(0.02):
            sizes = [path.stat().st_size for path in self._folder.glob("*")]
            self.most = max(self.most, sum(sizes))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_a_gigabyte_fills_neither_memory_nor_disk(parts: Parts) -> None:
    process = parts.start("serve")
    launcher.wait_ready(parts.place.url)
    with AgentUser(parts.place.url, parts.place.folder) as user:
        user.sign_in()
        user.send("klein.txt", b"Ein kleiner Text.")
        before = peak(process)
        headers = {
            "content-type": f"multipart/form-data; boundary={BOUNDARY}",
            "cookie": user.http.headers["cookie"],
            "accept-language": "en",
        }
        data = parts.place.folder / "data"
        with Watch(data / "incoming") as watch:
            answer = httpx.post(
                f"{user.url}/api/v1/documents", content=gigabyte(), headers=headers, timeout=300
            )
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert answer.json()["detail"].startswith("The file is larger than 4 MB.")
        assert watch.most <= 4 * MEBIBYTE
        assert peak(process) - before < 64 * MEBIBYTE
        assert list((data / "incoming").iterdir()) == []
        failed = user.document(answer.json()["document_id"])
        assert (failed["state"], failed["name"]) == ("failed", "riesig.pdf")
        assert failed["size"] > 1000 * MEBIBYTE
