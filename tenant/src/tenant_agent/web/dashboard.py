"""The dashboard's built files, with the index page for every address the app itself routes.

Files with a hash in their name (`/assets/…`) never change and are cached for a year; the index
page is asked for again each time, so that a release shows at once.
"""

from pathlib import Path
from stat import S_ISREG

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Receive, Scope, Send

RESERVED = ("api/", "healthz", "readyz", "version", "metrics")
IMMUTABLE = "public, max-age=31536000, immutable"


class Dashboard:
    """An ASGI application serving one directory."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()

    def find(self, path: str) -> Path | None:
        """Return the file for a request path, the index page for app routes, else nothing."""
        relative = path.lstrip("/")
        if relative.startswith(RESERVED) or "\x00" in relative:
            return None
        target = (self._root / relative).resolve()
        try:
            is_file = S_ISREG(target.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            is_file = False
        except OSError:
            # Longer than any file's name may be, so no address of the app either. `is_file` raises
            # this under Python 3.11 and hides it in later ones.
            return None
        if is_file and target.is_relative_to(self._root):
            return target
        index = self._root / "index.html"
        is_app_route = "." not in relative.rpartition("/")[2]
        return index if is_app_route and index.is_file() else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = self.find(scope["path"])
        if found is None:
            raise HTTPException(404)
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405)
        response = self._response(found, scope)
        await response(scope, receive, send)

    def _response(self, found: Path, scope: Scope) -> Response:
        hashed = found.parent.name == "assets"
        headers = {"Cache-Control": IMMUTABLE if hashed else "no-cache"}
        response = FileResponse(found, headers=headers, stat_result=found.stat())
        wanted = dict(scope["headers"]).get(b"if-none-match", b"").decode("latin-1")
        if wanted and wanted == response.headers.get("etag"):
            return NotModifiedResponse(response.headers)
        return response


def mount_dashboard(app: FastAPI, directory: Path) -> None:
    """Serve `directory` for every path no API route knows.

    As the router's default rather than a mount: a known path asked with a wrong method stays 405.
    """
    app.router.default = Dashboard(directory)
