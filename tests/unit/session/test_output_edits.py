import pytest

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.execution.past_displays import UpdateOutput
from jupyter_runt.session.output_edits import apply_edits

SHOWN = {"output_type": "display_data", "data": {"text/plain": "new"}, "metadata": {}}


def display(text: str) -> dict[str, object]:
    return {**SHOWN, "data": {"text/plain": text}}


@pytest.mark.rule("EX6", "EX9")
def test_a_past_display_is_updated_where_all_from_there_on_is_the_server_s() -> None:
    doc, peer = NotebookDoc(client_id=7), NotebookDoc(client_id=9)
    cell = doc.transact(lambda: doc.create_cell("code", "x", None)).result
    printed = {"output_type": "stream", "name": "stdout", "text": "text"}
    result = {**display("second"), "output_type": "execute_result", "execution_count": 3}
    doc.transact(lambda: doc.append_outputs(cell, [display("first"), result, printed]))

    def updates(index: int) -> bool:
        return not doc.transact(lambda: apply_edits(doc, [UpdateOutput(cell, index, SHOWN)])).result

    assert updates(1)
    assert doc.cell(cell)["outputs"] == [
        display("first"),
        {**SHOWN, "output_type": "execute_result", "execution_count": 3},
        printed,
    ]
    assert not updates(2), "it is no display"
    assert not updates(3), "it is gone"
    peer.apply([doc.doc.get_update()])
    peer.transact(lambda: peer.append_outputs(cell, [display("<script>")]))
    doc.apply([peer.doc.get_update()])
    before = doc.cell(cell)["outputs"]
    assert not updates(1), "the peer's would become the server's"
    assert doc.cell(cell)["outputs"] == before
