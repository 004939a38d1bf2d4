"""What all shared documents have in common."""

import gc
from weakref import ref

import pytest

from jupyter_runt.document.notebook import NotebookDoc
from jupyter_runt.document.text import TextDoc
from jupyter_runt.events.document import StateChanged


@pytest.mark.parametrize("kind", [NotebookDoc, TextDoc])
def test_a_document_that_nobody_holds_is_freed(kind):
    def use():
        document = kind()
        document.transact(lambda: document.set_path("a"))
        return ref(document), ref(document.doc)

    gone = use()
    gc.collect()
    assert [each() for each in gone] == [None, None]


@pytest.mark.parametrize("kind", [NotebookDoc, TextDoc])
def test_the_state_of_the_file_is_written_only_where_it_changes(kind):
    document = kind()

    def edit():
        document.set_path("folder/a.ipynb")
        document.set_dirty(True)
        document.set_hash("abc")

    assert document.transact(edit).changes == (StateChanged(keys=("dirty", "hash", "path")),)
    assert document.transact(edit).update is None


def test_an_update_that_is_none_is_refused():
    with pytest.raises(ValueError, match="update"):
        NotebookDoc().apply([b"\xff\x00garbage"])


def test_the_update_of_a_transaction_brings_another_replica_to_the_same_state():
    document, replica = TextDoc(), TextDoc()
    transaction = document.transact(lambda: document.replace("hello"))
    replica.apply([transaction.update])
    assert replica.content() == "hello"
