"""People who stay from one test to the next."""

from pathlib import Path

from playwright.sync_api import Browser
from playwright.sync_api import Error as PlaywrightError

from tests.ui.lab import Lab, Person


class Crowd:
    """People at a lab, who stay from one test to the next: a page takes seconds to load."""

    def __init__(self, browser: Browser, lab: Lab, shots: Path) -> None:
        shots.mkdir(parents=True, exist_ok=True)
        self.lab = lab
        self._browser = browser
        self._shots = shots
        self._known: dict[str, Person] = {}

    def person(self, name: str, lab: Lab) -> Person:
        """Return somebody, for a test."""
        if name not in self._known:
            self._known[name] = Person(name, self._browser, lab, self._shots)
        return self._known[name].wakes_up(lab)

    def problems(self) -> list[str]:
        """Return what went wrong in their pages."""
        problems = [problem for one in self._known.values() for problem in one.problems]
        return [problem for problem in problems if not _is_known(problem)]

    def rest(self) -> None:
        """Have everybody rest; whoever cannot leaves."""
        for name, one in list(self._known.items()):
            try:
                rests = one.rests()
            except PlaywrightError:  # the test failed in the middle of something
                rests = False
            if not rests:
                self._known.pop(name).leave()

    def leave(self) -> None:
        """Have everybody leave."""
        for one in self._known.values():
            one.leave()
        self._known.clear()


def _is_known(problem: str) -> bool:
    """Tell whether JupyterLab itself says it, and nothing is wrong."""
    if "jupyter-runt" in problem:
        return False
    # Its requests while a test keeps the server down; its debugger, after a shutdown.
    return "Failed to fetch" in problem or "Kernel is dead" in problem
