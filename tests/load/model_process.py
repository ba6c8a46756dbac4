"""The local model server in a process of its own: prints its URL, runs until it is ended."""

from __future__ import annotations

import asyncio
import sys

from localcloud.model import ModelSettings, start_model


async def main() -> None:
    """Serve on a free loopback port, to whoever has the key given."""
    settings = ModelSettings(keys=[sys.argv[1]])
    running = await start_model(host="127.0.0.1", port=0, tls=None, settings=settings)
    sys.stdout.write(running.url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
