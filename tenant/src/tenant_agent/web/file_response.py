"""A stored file as a response, whole or in ranges."""

from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send


def _raising(send: Send) -> Send:
    """Raise a refusal instead of sending it, so that it becomes a problem document."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            told = {k.decode(): v.decode() for k, v in message["headers"] if k == b"content-range"}
            raise HTTPException(message["status"], headers=told)
        await send(message)

    return sending


class StoredFileResponse(FileResponse):
    """Refuses a range past the end; ignores what is no range of bytes (RFC 9110 §14.2)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, _raising(send))
        except HTTPException as error:
            if error.status_code != 400:
                raise
            headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
            await super().__call__({**scope, "headers": headers}, receive, send)
