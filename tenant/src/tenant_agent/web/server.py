"""The HTTP server process: one uvicorn worker on uvloop, ending in good order."""

from types import FrameType

import uvicorn
from fastapi import FastAPI

from tenant_agent.settings import Settings

GRACE_SECONDS = 30
KEEP_ALIVE_SECONDS = 120


class Server(uvicorn.Server):
    """Ends live progress first: those streams never end by themselves."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; answers being written still get their time."""
        services = getattr(self._app.state, "services", None)
        if services is not None:
            services.progress.end()
        super().handle_exit(sig, frame)


def run_server(app: FastAPI, settings: Settings) -> None:
    """Serve until told to stop. Keep-alive outlasts the proxy's, so that it closes first."""
    config = uvicorn.Config(
        app,
        host=settings.listen_host,
        port=settings.listen_port,
        loop="uvloop",
        workers=1,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    Server(config, app).run()
