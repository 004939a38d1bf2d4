"""Text files as shared documents."""

from jupyter_ydoc import YFile

from jupyter_runt.document.text import TextDoc
from jupyter_runt.document.ydocs import ydoc_class_without_undo
from jupyter_runt.events.document import TextChanged


def test_changes_count_utf8_bytes():
    document = TextDoc()
    assert document.transact(lambda: document.replace("aé😀")).changes == (
        TextChanged(inserted=7, removed=0),
    )
    assert document.transact(lambda: document.replace("a😀")).changes == (
        TextChanged(inserted=0, removed=2),
    )
    assert document.transact(lambda: document.replace("a😀")).changes == ()


def test_jupyter_ydoc_reads_the_same_text():
    document = TextDoc()
    document.transact(lambda: document.replace("text"))
    replica = YFile()
    replica.ydoc.apply_update(document.doc.get_update())
    assert replica.get() == "text"


def test_an_extension_may_edit_through_yfile_without_leaving_history():
    document = TextDoc()
    file = ydoc_class_without_undo("file")(document.doc)
    assert document.transact(lambda: file.set("by an extension")).changes != ()
    assert document.content() == "by an extension"
    for number in range(200):
        text = f"{number:05d}" * 200
        document.transact(lambda text=text: file.set(text))
    assert len(document.doc.get_update()) < 10_000


def test_lone_surrogates_do_not_break_the_document():
    document = TextDoc()
    document.transact(lambda: document.replace("a\ud800"))
    assert document.content() == "a\ufffd"
