"""Pictures among outputs, made small enough for a model to look at."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jupyter_runt.ai.output_text import output_images
from jupyter_runt.events.agent import ShownImage
from jupyter_runt.ids import CellId
from jupyter_runt.tools import Image

SIDE: Final = 1024
"""Pixels of the longer side."""

_LARGEST: Final = 15_000_000
"""Bytes that are looked at."""

_PIXELS: Final = 60_000_000
"""Of what is unpacked at all."""


class _Cell(Protocol):
    @property
    def cell(self) -> Mapping[str, Any]: ...

    @property
    def cell_id(self) -> CellId: ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and where it comes from."""

    cell_id: CellId
    output: int
    """Index of the output."""
    image: Image
    width: int
    height: int

    @property
    def told(self) -> ShownImage:
        """What people are told of it."""
        return ShownImage(
            cell_id=self.cell_id,
            output=self.output,
            mime_type=self.image.mime_type,
            width=self.width,
            height=self.height,
        )


def pictures_of(cells: Sequence[_Cell], most: int) -> list[Picture]:
    """Return the last pictures that these cells put out, at most so many, in their order."""
    found: list[Picture] = []
    for cell in reversed(cells):
        for index, raw in _images(cell):
            if len(found) >= most:
                return found[::-1]
            fitted = fitted_image(raw)
            if fitted is not None:
                image, width, height = fitted
                found.append(Picture(cell.cell_id, index, image, width, height))
    return found[::-1]


def _images(cell: _Cell) -> Iterator[tuple[int, Image]]:
    for index, output in reversed(list(enumerate(cell.cell.get("outputs") or ()))):
        for image in output_images(output):
            yield index, image


def fitted_image(image: Image) -> tuple[Image, int, int] | None:
    """Return a picture as PNG or JPEG of a size that models take, None if it is none."""
    from PIL import Image as Pillow  # here, as many never need it

    if len(image.data) > _LARGEST:
        return None
    try:
        with Pillow.open(io.BytesIO(image.data)) as picture:
            kind, (width, height) = picture.format, picture.size
            if width * height > _PIXELS:
                return None
            if kind in ("PNG", "JPEG") and max(width, height) <= SIDE:
                return Image(f"image/{kind.lower()}", image.data), width, height
            small = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
    except (
        OSError,
        ValueError,
        SyntaxError,
        Pillow.DecompressionBombError,
        Pillow.DecompressionBombWarning,
    ):
        return None
    small.thumbnail((SIDE, SIDE))
    written = io.BytesIO()
    small.save(written, "PNG")
    return Image("image/png", written.getvalue()), *small.size
