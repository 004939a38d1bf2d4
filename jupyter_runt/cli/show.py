"""How things look on a terminal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jupyter_runt.events.base import Event
from jupyter_runt.events.document import Change, DocumentUpdated

_WIDE = 160


def console() -> Console:
    """Return where output for people goes; as wide as needed where it is not a terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_WIDE)


def table(*columns: str, numbers: tuple[str, ...] = ()) -> Table:
    """Return an empty table; columns named in `numbers` are aligned to the right."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(
            column,
            justify="right" if column in numbers else "left",
            no_wrap=column in numbers,
            overflow="fold",
        )
    return made


def size(count: int) -> str:
    """Return a number of bytes as people write it."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000 or unit == "GB":
            break
    return f"{amount:.1f} {unit}"


def time(recorded_at: str | None) -> str:
    """Return an event's time, in the zone of who looks."""
    if recorded_at is None:
        return ""
    return datetime.fromisoformat(recorded_at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def event(event: Event) -> Text:
    """Return an event as one line."""
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{event.seq:>7}  ", style="bold")
    line.append(f"{time(event.recorded_at)}  ", style="dim")
    line.append(f"{event.actor[:24]:<24}  ", style="cyan")
    line.append(_what(event))
    return line


def _what(event: Event) -> str:
    name = event.name.partition(".")[2]
    if isinstance(event.payload, DocumentUpdated):
        return "; ".join(map(_change, event.payload.changes)) or name
    fields = event.payload.model_dump(mode="json", exclude={"source", "content"}, exclude_none=True)
    told = [f"{key}={value}" for key, value in fields.items()]
    return " ".join([name, *told])


def _change(change: Change) -> str:
    fields = change.model_dump(mode="json", exclude={"type"}, exclude_none=True)
    told = [f"{key}={_value(value)}" for key, value in fields.items() if key != "cell_id"]
    return " ".join([change.type.replace("_", " "), *_cell(fields), *told])


def _cell(fields: Mapping[str, Any]) -> list[str]:
    return [fields["cell_id"]] if "cell_id" in fields else []


def _value(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
