"""What the commands do."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from jupyter_runt.cli import files, show
from jupyter_runt.cli.places import default_store, find, opened, root_of
from jupyter_runt.events.base import Event
from jupyter_runt.ids import NotebookId, Seq
from jupyter_runt.storage import compaction, verification
from jupyter_runt.storage.replay import Inconsistent
from jupyter_runt.storage.retention import Retention
from jupyter_runt.storage.sqlite import SqliteStore

PAGE = 500


async def status(path: Path | None, *, as_json: bool) -> bool:
    """Print what is in the store."""
    async with opened(path) as store:
        notebooks = [await store.summary(each) for each in await store.notebook_ids()]
    place = path or default_store()
    on_disk = sum(file.stat().st_size for file in _files(place))
    aside = [str(each) for each in sorted(place.parent.glob(f"{place.name}.damaged-*Z"))]
    if as_json:
        report = {
            "store": str(place),
            "size": on_disk,
            "set_aside": aside,
            "notebooks": [asdict(each) for each in notebooks],
        }
        _print_json(report)
        return True
    console, events = show.console(), sum(each.events for each in notebooks)
    console.print(
        f"{place}: {show.size(on_disk)}, {len(notebooks)} notebooks, {events} events",
        markup=False,
    )
    for damaged in aside:
        console.print(f"A damaged store was set aside: {damaged}", markup=False)
    columns = ("events", "size", "from", "snapshots", "file at")
    table = show.table("notebook", *columns, "last change", numbers=columns)
    for each in notebooks:
        table.add_row(
            escape(each.path) if each.path else f"{each.notebook_id} (deleted)",
            str(each.events),
            show.size(each.size),
            str(each.first_seq),
            f"{each.snapshots} ({show.size(each.snapshot_size)})",
            str(each.checkpoint_seq),
            show.time(each.last_recorded_at),
        )
    if notebooks:
        console.print(table)
    return True


def _files(place: Path) -> list[Path]:
    names = (f"{place.name}{suffix}" for suffix in ("", "-wal", "-shm"))
    return [file for name in names if (file := place.with_name(name)).exists()]


async def log(
    path: Path | None, name: str, after: int | None, *, follow: bool, as_json: bool
) -> bool:
    """Print the events of a notebook."""
    console = show.console()
    async with opened(path) as store:
        notebook_id = await find(store, name)
        first = await store.first_seq(notebook_id)
        if after is None and first > 1:
            typer.echo(f"The events before {first} were folded into a snapshot.", err=True)
        start = Seq(first - 1 if after is None else after)
        async for event in _events(store, notebook_id, start, follow=follow):
            if as_json:
                _print_json(event.to_json())
            else:
                console.print(show.event(event), soft_wrap=not console.is_terminal)
    return True


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


async def _events(
    store: SqliteStore, notebook_id: NotebookId, after: Seq, *, follow: bool
) -> AsyncIterator[Event]:
    while True:
        while events := await store.read(notebook_id, after, limit=PAGE):
            for event in events:
                yield event
            after = events[-1].seq
        if not follow:
            return
        await store.grown(notebook_id, after)


async def verify(path: Path | None, name: str | None, root: Path | None, *, as_json: bool) -> bool:
    """Print whether logs say what they should; return whether all do."""
    whole = True
    async with opened(path) as store:
        damage = await store.damage()
        for wrong in damage:
            typer.echo(f"The store is damaged: {wrong}", err=True)
        for notebook_id in await _meant(store, name):
            report = await _verified(store, notebook_id, name, root)
            whole = whole and not report["problems"]
            if as_json:
                _print_json(report)
            else:
                _print_report(report)
    return whole and not damage


async def _meant(store: SqliteStore, name: str | None) -> list[NotebookId]:
    return await store.notebook_ids() if name is None else [await find(store, name)]


async def _verified(
    store: SqliteStore, notebook_id: NotebookId, name: str | None, root: Path | None
) -> dict[str, Any]:
    verdict = await verification.verify(store, notebook_id)
    known, problems = await store.get(notebook_id), list(verdict.problems)
    file: files.FileVerdict = "deleted"
    if known is not None and not problems:
        file = await files.compare(store, notebook_id, root or root_of(known, name))
        if file == "differs":
            problems.append(f"{files.SENTENCES[file].capitalize()}.")
    return {
        "notebook_id": notebook_id,
        "path": known.file.path if known else None,
        "first_seq": verdict.first_seq,
        "head": verdict.head,
        "snapshots": verdict.snapshots,
        "file": file if known is None or not verdict.problems else None,
        "problems": problems,
    }


def _print_report(report: dict[str, Any]) -> None:
    console = show.console()
    name = report["path"] or report["notebook_id"]
    if report["problems"]:
        console.print(f"[bold red]DIFFERS[/]  {escape(name)}")
        for problem in report["problems"]:
            console.print(f"         {problem}", markup=False, soft_wrap=True)
        return
    told = f"events {report['first_seq']} to {report['head']}, {report['snapshots']} snapshots"
    told += f"; {files.SENTENCES[report['file']]}"
    console.print(f"[green]same[/]     {escape(name)}: {told}", soft_wrap=True)


async def compact(
    path: Path | None, name: str | None, retention: Retention, *, dry_run: bool, as_json: bool
) -> bool:
    """Print what was, or would be, folded; return whether every log could be."""
    well = True
    async with opened(path) as store:
        for notebook_id in await _meant(store, name):
            report = await _compacted(store, notebook_id, retention, dry_run=dry_run)
            well = well and report["problem"] is None
            if as_json:
                _print_json(report)
            else:
                typer.echo(_compaction_line(report))
    return well


async def _compacted(
    store: SqliteStore, notebook_id: NotebookId, retention: Retention, *, dry_run: bool
) -> dict[str, Any]:
    first = await store.first_seq(notebook_id)
    folded, pruned, problem = 0, 0, None
    if dry_run:
        until = await compaction.foldable(store, notebook_id, retention, datetime.now(UTC))
        folded = max(0, until - first + 1)
    else:
        try:
            done = await compaction.compact(store, notebook_id, retention)
            folded, pruned = done.folded, done.pruned
        except Inconsistent as error:
            problem = str(error)
    known = await store.get(notebook_id)
    return {
        "notebook_id": notebook_id,
        "path": known.file.path if known else None,
        "dry_run": dry_run,
        "folded": folded,
        "snapshots_dropped": pruned,
        "first_seq": first + folded,
        "problem": problem,
    }


def _compaction_line(report: dict[str, Any]) -> str:
    name = report["path"] or report["notebook_id"]
    if report["problem"]:
        return f"{name}: nothing was folded. {report['problem']}"
    verb = "would be" if report["dry_run"] else "were"
    dropped = f", {report['snapshots_dropped']} snapshots dropped" if not report["dry_run"] else ""
    return f"{name}: {report['folded']} events {verb} folded{dropped}"
