"""What kernels say, in the types that Jupyter's messaging protocol has. Pure.

Whoever runs a cell can have its kernel say anything: it must not end who listens.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from jupyter_runt.ids import ExecutionId
from jupyter_runt.protocols import KernelMessage

_DISPLAY: Final = MappingProxyType({"data": dict, "metadata": dict, "transient": dict})
_COMM: Final = MappingProxyType({"comm_id": str, "data": dict})
_ERROR: Final = MappingProxyType({"ename": str, "evalue": str, "traceback": list})
_COUNT: Final = MappingProxyType({"execution_count": int})

_FIELDS: Final = MappingProxyType[str, Mapping[str, type]](
    {
        "stream": {"name": str, "text": str},
        "display_data": _DISPLAY,
        "update_display_data": _DISPLAY,
        "execute_result": {**_DISPLAY, **_COUNT},
        "error": _ERROR,
        "execute_input": _COUNT,
        "execute_reply": {**_ERROR, **_COUNT, "payload": list},
        "comm_open": _COMM,
        "comm_msg": _COMM,
        "comm_close": _COMM,
        "kernel_info_reply": {"supported_features": list},
    }
)

MAX_DEPTH: Final = 300
"""Levels of JSON: at some 500, what copies values by recursion gives up."""


def is_deep(value: Any) -> bool:
    """Tell whether a JSON value is nested deeper than documents can hold; takes time."""
    level = [value]
    for _ in range(MAX_DEPTH):
        objects = [each.values() if isinstance(each, dict) else each for each in level]
        level = [item for each in objects for item in each if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


def sound(msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a message without the fields that are not what they have to be."""
    fields = _FIELDS.get(msg_type, {})
    if not all(isinstance(content[key], kind) for key, kind in fields.items() if key in content):
        content = {
            key: value
            for key, value in content.items()
            if key not in fields or isinstance(value, fields[key])
        }
    if msg_type == "execute_reply" and content.get("payload"):
        payload = [each for each in content["payload"] if isinstance(each, dict)]
        return {**content, "payload": payload}
    return content


def said(execution_id: ExecutionId, msg_type: str, content: dict[str, Any]) -> KernelMessage:
    """Return a message as if the kernel had said it of an execution."""
    return KernelMessage("iopub", msg_type, execution_id, sound(msg_type, content), {})
