"""What a model is shown of a notebook: a pure function of the document (AG6).

The rules, in this order:

1. The rules of the house, the notebook's instructions and the prompt are always there; only a
   prompt that is longer than half of the budget is cut in its middle.
2. Of the cells above, or those that were chosen, all that nobody hid; of each, its source and its
   outputs as text.
3. Of AI cells, what was asked and answered; of the cell's own earlier turns too, as conversation.
   Of turns that asked the same, only the last one.
4. Where that is too long, outputs and answers are shortened, then left out, then sources are
   shortened, then left out: at each step the older ones first, and no more of them than must be.
5. Pictures, the newest first, as many as fit and as are allowed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jupyter_runt.ai.envelope import Envelope
from jupyter_runt.ai.images import Picture, pictures_of
from jupyter_runt.ai.messages import Assistant, Message, System, User
from jupyter_runt.ai.previews import outputs_preview
from jupyter_runt.ai.prompts import INSTRUCTIONS, RULES
from jupyter_runt.ai.tokens import PER_IMAGE, PER_MESSAGE, middle_out, tokens
from jupyter_runt.document.values import to_shared
from jupyter_runt.events.agent import LeftOut, ShownMessage
from jupyter_runt.ids import CellId

_OVERHEAD: Final = 40
"""Tokens of what stands around each part."""

ABOVE: Final = "The notebook above your cell:"
CHOSEN: Final = "The cells of the notebook that you are asked about:"
"""How the message begins that tells of cells."""

_SOURCE: Final = 4_000
_INSTRUCTIONS: Final = 1_500
_LEVELS: Final = 5
"""Level 0 is everything; at the last one, nothing is left."""


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as it stands in the document."""

    number: int
    """From 1, hidden cells counted, as people count."""
    cell: Mapping[str, Any]
    """As nbformat has it."""
    kind: str

    @property
    def cell_id(self) -> CellId:
        """Its id."""
        return CellId(self.cell["id"])


@dataclass(frozen=True, slots=True)
class NotebookView:
    """What a turn may be shown: visible cells, those above its own or chosen ones, and its own."""

    shown: Sequence[CellView]
    asked: CellView
    instructions: str = ""
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What a model is given, and how it came about."""

    messages: tuple[Message, ...]
    told: tuple[ShownMessage, ...]
    """The messages as people are shown them."""
    left_out: tuple[LeftOut, ...]
    tokens: int
    budget: int
    tainted: bool
    """Whether it holds text of outputs, of earlier answers or of the notebook's instructions (AG3).

    These anybody could have written who ever had the file, and the model takes them for orders.
    """

    @property
    def sources(self) -> frozenset[CellId]:
        """The cells of whose sources it tells."""
        return frozenset(cell_id for message in self.told for cell_id in message.cells)


def is_hidden(metadata: Mapping[str, Any]) -> bool:
    """Tell whether people hide a cell with this metadata from the AI."""
    runt = metadata.get("runt")
    return isinstance(runt, Mapping) and bool(runt.get("context_hidden"))


@dataclass(slots=True)
class _Part:
    """Something that can be shown in less and less detail."""

    cell: CellView
    render: Callable[[int], Sequence[Message]]
    level: int = 0
    sizes: dict[int, int] = field(default_factory=dict)

    @property
    def shown(self) -> Sequence[Message]:
        return self.render(self.level)

    @property
    def size(self) -> int:
        if self.level not in self.sizes:
            self.sizes[self.level] = sum(
                _OVERHEAD + PER_MESSAGE + tokens(message.text) for message in self.shown
            )
        return self.sizes[self.level]


def build(
    view: NotebookView,
    prompt: str,
    envelope: Envelope,
    *,
    budget: int,
    max_images: int = 0,
) -> Context:
    """Return what a model of that budget (in tokens, by our estimate) is given.

    Args:
        max_images: 0 for models that do not see.
    """
    system = System(_system(view, envelope))
    question = middle_out(prompt, max(1, budget // 2))
    fixed = _OVERHEAD + 3 * PER_MESSAGE + tokens(system.text) + tokens(question)
    cells = [_Part(cell, _cell_renderer(cell, envelope)) for cell in view.shown]
    before = [
        _Part(view.asked, _turn_renderer(turn)) for turn in turns_of(view.asked, besides=prompt)
    ]
    parts = [*cells, *before]
    total = _fit(parts, budget - fixed)
    pictures = pictures_of(
        [part.cell for part in cells if part.level == 0],
        min(max_images, max(0, budget - fixed - total) // PER_IMAGE),
    )
    notebook = _notebook(CHOSEN if view.chosen else ABOVE, cells)
    asked = User(question, tuple(picture.image for picture in pictures))
    conversation = [message for part in before for message in part.shown]
    messages = (system, *notebook, *conversation, asked)
    return Context(
        messages=messages,
        told=tuple(_told(message, cells, pictures) for message in messages),
        left_out=tuple(_left_out(parts)),
        tokens=fixed + total + PER_IMAGE * len(pictures),
        budget=budget,
        tainted=_is_tainted(cells) or bool(conversation or pictures or view.instructions.strip()),
    )


def _fit(parts: Sequence[_Part], room: int) -> int:
    """Lower the detail of parts, older ones first, until they fit; return what they take."""
    total = sum(part.size for part in parts)
    for level in range(1, _LEVELS):
        for part in parts:
            if total <= room:
                return total
            before = part.size
            part.level = level
            total += part.size - before
    return total


def _system(view: NotebookView, envelope: Envelope) -> str:
    own = f"Your cell is number {view.asked.number} (id {view.asked.cell_id})."
    parts = [RULES, envelope.explanation, own]
    if view.instructions.strip():
        parts.append(f"{INSTRUCTIONS}\n{middle_out(view.instructions.strip(), _INSTRUCTIONS)}")
    return "\n\n".join(parts)


def _notebook(heading: str, parts: Sequence[_Part]) -> list[Message]:
    texts = [message.text for part in parts for message in part.shown]
    return [User("\n\n".join([heading, *texts]))] if texts else []


# cells


def _cell_renderer(cell: CellView, envelope: Envelope) -> Callable[[int], Sequence[Message]]:
    def render(level: int) -> Sequence[Message]:
        if level >= _LEVELS - 1:
            return ()
        shown = _ai_cell if cell.kind == "ai" else _other_cell
        return (User(shown(cell, level, envelope)),)

    return render


def _other_cell(cell: CellView, level: int, envelope: Envelope) -> str:
    source = middle_out(str(cell.cell["source"]), 150 if level >= 3 else _SOURCE)
    text = f"[{cell.number}] {cell.kind} cell, id {cell.cell_id}:\n{envelope.wrap(source)}"
    outputs = cell.cell.get("outputs") or ()
    if not outputs:
        return text
    if level >= 2:
        return f"{text}\nIts output is left out."
    put_out = outputs_preview(outputs) if level == 0 else outputs_preview(outputs, 60)
    return f"{text}\nIts output:\n{envelope.wrap(put_out)}" if put_out.strip() else text


def _ai_cell(cell: CellView, level: int, envelope: Envelope) -> str:
    limit = (2_000, 200, 60, 30)[level]
    said = [
        f"Asked: {middle_out(turn['prompt'], limit)}\nAnswered: {middle_out(turn['text'], limit)}"
        for turn in turns_of(cell)
    ]
    if not said:
        said = [f"Asked: {middle_out(str(cell.cell['source']), limit)}"]
    return (
        f"[{cell.number}] AI cell, id {cell.cell_id}:\n"
        f"{envelope.wrap(middle_out(chr(10).join(said), 3 * limit))}"
    )


def turns_of(cell: CellView, *, besides: str | None = None) -> list[dict[str, str]]:
    """Return what was asked and answered in an AI cell, of the same question only the last.

    Args:
        besides: a question that is left out.
    """
    runt = cell.cell["metadata"].get("runt")
    recorded = runt.get("turns") if isinstance(runt, Mapping) else None
    by_prompt: dict[str, str] = {}
    for turn in recorded if isinstance(recorded, list) else ():
        prompt = turn.get("prompt") if isinstance(turn, Mapping) else None
        if isinstance(prompt, str) and prompt != besides:
            by_prompt.pop(prompt, None)
            by_prompt[prompt] = _text_of(turn)
    return [{"prompt": prompt, "text": text} for prompt, text in by_prompt.items() if text.strip()]


def _text_of(turn: Mapping[str, Any]) -> str:
    items = turn.get("items")
    texts = [
        str(item.get("text", ""))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, Mapping) and item.get("type") == "text"
    ]
    return "".join(texts)


def _turn_renderer(turn: Mapping[str, str]) -> Callable[[int], Sequence[Message]]:
    def render(level: int) -> Sequence[Message]:
        if level >= _LEVELS - 1:
            return ()
        limit = (4_000, 400, 100, 40)[level]
        asked, answered = middle_out(turn["prompt"], limit), middle_out(turn["text"], limit)
        return User(asked), Assistant(answered)

    return render


# what people are told


def _is_tainted(parts: Iterable[_Part]) -> bool:
    """Tell whether outputs or earlier answers are among what is shown."""
    return any(
        bool(turns_of(part.cell))
        if part.cell.kind == "ai"
        else part.level < 2 and bool(part.cell.cell.get("outputs"))
        for part in parts
        if part.shown
    )


def _told(message: Message, parts: Sequence[_Part], pictures: Sequence[Picture]) -> ShownMessage:
    match message:
        case System():
            return ShownMessage(role="system", text=_clean(message.text))
        case Assistant():
            return ShownMessage(role="assistant", text=_clean(message.text))
        case _:
            of_notebook = message.text.startswith((ABOVE, CHOSEN))
            cells = [part.cell.cell_id for part in parts if part.shown] if of_notebook else []
            seen = pictures if isinstance(message, User) and message.images else ()
            return ShownMessage(
                role="user",
                text=_clean(message.text),
                cells=tuple(cells),
                images=tuple(picture.told for picture in seen),
            )


def _clean(text: str) -> str:
    """Return a text as a store takes it: lone surrogates are none."""
    return str(to_shared(text))


_STEPS: Final = ("shortened", "outputs", "source shortened", "everything")


def _left_out(parts: Sequence[_Part]) -> Iterable[LeftOut]:
    for part in parts:
        if part.level:
            yield LeftOut(cell_id=part.cell.cell_id, what=_STEPS[part.level - 1])
