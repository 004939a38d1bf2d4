"""Frames that only clients send."""

from jupyter_runt.document.lib0 import write_bytes, write_integer
from jupyter_runt.rooms.protocol import RAW


def save_request_frame(request_id: int) -> bytes:
    """Return the frame with which JupyterLab asks for a save."""
    return bytes((RAW,)) + write_bytes(b"save") + write_integer(request_id)
