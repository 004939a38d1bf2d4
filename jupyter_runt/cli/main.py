"""The commands of `jupyter runt`."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from jupyter_client.kernelspec import NoSuchKernel

from jupyter_runt.cli import bridge, demo, tasks
from jupyter_runt.cli.places import Misnamed
from jupyter_runt.errors import RuntError
from jupyter_runt.storage.replay import Inconsistent
from jupyter_runt.storage.retention import Retention

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="PATH", help="By default that of Jupyter's data directory."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
NotebookArgument = Annotated[
    str, typer.Argument(metavar="NOTEBOOK", help="A path to its file, or its id.")
]
AnyNotebookArgument = Annotated[
    str | None,
    typer.Argument(metavar="NOTEBOOK", help="A path to its file, or its id; all by default."),
]


def status(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """What is in the store, and how large it is."""
    _run(tasks.status(store, as_json=as_json))


def log(
    notebook: NotebookArgument,
    after: Annotated[
        int | None, typer.Option(min=0, metavar="SEQ", help="Only events after this one.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """What happened to a notebook: one event on a line."""
    _run(tasks.log(store, notebook, after, follow=follow, as_json=as_json))


def verify(
    notebook: AnyNotebookArgument = None,
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Root folder of the server that knows the files; by default this one.",
        ),
    ] = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay logs from their start and from their snapshots, and compare these and the files.

    Exits with 1 if anything differs.
    """
    if not _run(tasks.verify(store, notebook, root, as_json=as_json)):
        raise typer.Exit(1)


def compact(
    notebook: AnyNotebookArgument = None,
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Fold what is older.")
    ] = None,
    keep_events: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Fold all but the last N events.")
    ] = None,
    keep_megabytes: Annotated[
        float | None, typer.Option(min=0, metavar="MB", help="Fold all but the last MB megabytes.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be folded.")
    ] = False,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fold old events into snapshots, and drop the snapshots that nothing needs.

    Nothing newer than a notebook's file is folded, and nothing before its replacement was verified
    by replay. Without a limit every event is kept.
    """
    size = None if keep_megabytes is None else int(keep_megabytes * 1e6)
    retention = Retention(days=older_than, events=keep_events, size=size)
    done = _run(tasks.compact(store, notebook, retention, dry_run=dry_run, as_json=as_json))
    if not done:
        raise typer.Exit(1)


def demo_model(
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="PORT", help="0 for any that is free.")
    ] = 8899,
) -> None:
    """Serve a scripted model, to try AI cells without a key."""
    _run(demo.serve(port))


def agent(
    url: Annotated[str, typer.Option(help="Of the Jupyter server that has the notebook open.")],
    notebook: Annotated[
        str, typer.Option(metavar="NOTEBOOK", help="Its path on that server, or its id.")
    ],
    token: Annotated[
        str,
        typer.Option(
            envvar=bridge.TOKEN_ENV,
            help="Made for the notebook there, with POST …/tokens; or one of the server itself.",
        ),
    ],
    kernel: Annotated[
        str | None, typer.Option(metavar="NAME", help="A kernelspec of this machine.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the kernel works; by default here.")
    ] = Path(),
) -> None:
    """Run a notebook's kernel on this machine.

    Whoever may run cells in the notebook can run anything on this machine as you.
    """
    offer = bridge.Offer(url, notebook, token, kernel, folder)
    try:
        typer.echo(asyncio.run(bridge.Bridge(offer, typer.echo).run()))
    except (bridge.Refused, NoSuchKernel, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def _run(task: Coroutine[Any, Any, bool]) -> bool:
    """Run a command's task; errors that a person can do something about become one sentence."""
    try:
        return asyncio.run(task)
    except Misnamed as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(2) from error
    except (OSError, RuntError, Inconsistent) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def commands() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(
        name="jupyter runt",
        help="Look after the store in which jupyter-runt keeps the history of notebooks, "
        "and try its AI.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (status, log, verify, compact, agent, demo_model):
        app.command()(command)
    return app


def main() -> None:
    """Run the command line."""
    commands()()
