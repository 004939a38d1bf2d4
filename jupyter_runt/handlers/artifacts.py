"""`/api/runt/notebooks/{id}/artifacts/{sha256}`: the bytes of an output."""

import re
from contextlib import suppress
from typing import Any, Final

from jupyter_server.auth.decorator import authorized
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from jupyter_runt.errors import ArtifactNotFound
from jupyter_runt.handlers.base import RuntHandler
from jupyter_runt.ids import NotebookId

_RANGE: Final = re.compile(r"bytes=(\d{0,400})-(\d{0,400})", re.ASCII)
_TEXT: Final = re.compile(
    r"text/|application/(?:.*\+)?(?:json|xml)$|application/javascript$|.*\+xml$"
)


class ArtifactHandler(RuntHandler):
    """`GET` and `HEAD` of an artifact that counts for a notebook (AR2)."""

    @property
    def content_security_policy(self) -> str:
        """A page of it is nobody's: no scripts, no forms, no origin (AR3)."""
        return "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"

    @authenticated
    @authorized(action="read", resource="contents")
    async def get(self, notebook_id: str, sha256: str) -> None:
        """Answer with its bytes, or with one range of them."""
        await self._answer(notebook_id, sha256)

    @authenticated
    @authorized(action="read", resource="contents")
    async def head(self, notebook_id: str, sha256: str) -> None:
        """Answer as `get`, without the bytes."""
        await self._answer(notebook_id, sha256)

    async def _answer(self, notebook_id: str, sha256: str) -> None:
        registration = await self.sessions.registered_notebook(NotebookId(notebook_id))
        held = await self.sessions.store.held(registration.notebook_id, [sha256])
        if sha256 not in held:
            raise ArtifactNotFound("The notebook has no such artifact.", sha256=sha256)
        bytes_of = self.sessions.artifacts.store
        tag = f'"{sha256}"'
        mime = held[sha256].artifact.mime
        self.set_header("ETag", tag)
        self.set_header("Cache-Control", "private, max-age=31536000, immutable")
        self.set_header("Accept-Ranges", "bytes")
        self.set_header("X-Content-Type-Options", "nosniff")
        if self._has(tag):
            self.set_status(304)
            self.finish(set_content_type=_content_type(mime))
            return
        size = await bytes_of.check(sha256)
        wanted = self._range(tag, size)
        start, end = wanted or (0, size)
        if start >= end and wanted is not None:
            self.set_status(416)
            self.set_header("Content-Range", f"bytes */{size}")
            self.finish(set_content_type=_content_type(mime))
            return
        if wanted is not None:  # players ask for all of it to learn whether they can seek
            self.set_status(206)
            self.set_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.set_header("Content-Length", str(end - start))
        self.set_header("Content-Type", _content_type(mime))
        if self.request.method != "HEAD":
            with suppress(StreamClosedError):  # who went away has what it wanted
                async for block in bytes_of.stream(sha256, start, end):
                    self.write(block)
                    await self.flush()
        self.finish(set_content_type=_content_type(mime))

    def _has(self, tag: str) -> bool:
        """Tell whether who asks has the content, as it says."""
        named = self.request.headers.get("If-None-Match", "").split(",")
        return not {each.strip().removeprefix("W/") for each in named}.isdisjoint((tag, "*"))

    def _range(self, tag: str, size: int) -> tuple[int, int] | None:
        """Return which bytes are asked for, None where all are, or it is not understood."""
        asked = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if asked is None or not any(asked.groups()):
            return None
        if self.request.headers.get("If-Range", tag) != tag:
            return None
        first, last = asked.groups()
        if not first:
            start, end = max(0, size - int(last)), size
        else:
            start, end = int(first), min(int(last) + 1 if last else size, size)
            if last and int(last) < int(first):
                return None
        return start, end

    def compute_etag(self) -> Any:
        """Return none of tornado's own: ours names the content."""
        return None


def _content_type(mime: str) -> str:
    return f"{mime}; charset=utf-8" if _TEXT.match(mime) else mime
