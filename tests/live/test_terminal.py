"""The command at a real terminal: passwords that nobody sees, and a progress bar that moves."""

from __future__ import annotations

import re
from pathlib import Path

from tests.live.account_steps import command
from tests.live.import_steps import Relay
from tests.support.samples import small
from tests.support.server import ROOT, SECRET, Server
from tests.support.terminal import Terminal

PASSWORD = "one long password"
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
"""What makes a terminal hide its cursor, and show it again."""


def at_a_terminal(server: Server, *arguments: str) -> Terminal:
    environ = {
        "PATH": "/usr/bin:/bin",
        "EHR_BRIDGE_JWT_SECRET": SECRET,
        "EHR_BRIDGE_DATABASE_URL": server.database_url,
    }
    return Terminal([str(ROOT / "scripts" / "ehr-bridge"), "--data-dir", str(server.data_dir), *arguments], environ)


def percentages(screen: str, label: str) -> list[int]:
    """What each drawing of a bar said; each begins at the left edge of the line."""
    return [int(number) for number in re.findall(rf"\r(?:{re.escape(HIDDEN)})?{label}[^\r]*?(\d+)%", screen)]


def test_a_password_is_asked_for_twice_and_never_shown(tmp_path: Path) -> None:
    """What was typed is not on the screen; an account is there afterwards."""
    server = Server(tmp_path / "var")
    terminal = at_a_terminal(server, "user", "add", "ada", "--name", "Ada Admin", "--role", "admin")
    terminal.wait_for("Password: ")
    terminal.type(PASSWORD)
    terminal.wait_for("Repeat for confirmation: ")
    terminal.type(PASSWORD)
    assert terminal.end() == 0, terminal.screen
    assert "made ada (admin)" in terminal.screen
    assert PASSWORD not in terminal.screen
    assert command(server, "user", "list").stdout.startswith("ada\tadmin\tactive")


def test_two_different_passwords_are_asked_for_again(tmp_path: Path) -> None:
    """A slip of the fingers is said and makes no account by itself; Ctrl-C makes none at all."""
    server = Server(tmp_path / "var")
    terminal = at_a_terminal(server, "user", "add", "ada", "--name", "Ada Admin", "--role", "admin")
    for typed in (PASSWORD, "one lonk password"):
        terminal.wait_for(": ")
        terminal.type(typed)
    terminal.wait_for("do not match")
    terminal.wait_for("Password: ")
    assert terminal.end_by_interrupt() == 1, terminal.screen
    assert "lon" not in terminal.screen
    listed = command(server, "user", "list")
    assert (listed.returncode, "does not answer" in listed.stderr) == (1, True)  # not even a database was made


def test_a_password_that_is_too_short_is_refused_in_words(tmp_path: Path) -> None:
    """And not shown either."""
    server = Server(tmp_path / "var")
    terminal = at_a_terminal(server, "user", "add", "ada", "--name", "Ada Admin", "--role", "admin")
    for _ in range(2):
        terminal.wait_for(": ")
        terminal.type("sesame")
    assert terminal.end() == 1
    assert "A password needs at least 10 characters." in terminal.screen
    assert "sesame" not in terminal.screen


def test_the_progress_of_an_import_is_drawn_over_itself(sqlite_server: Server, tmp_path: Path) -> None:
    """One line per step of the work, from 0 to 100, and the cursor is back at the end."""
    for number in range(8):
        (tmp_path / f"{number}.dcm").write_bytes(small())
    terminal = at_a_terminal(sqlite_server, "import", str(tmp_path), "--url", sqlite_server.url)
    assert terminal.end() == 0, terminal.screen
    for label in ("reading", "sending"):
        drawn = percentages(terminal.screen, label)
        assert drawn == sorted(drawn) and len(drawn) >= 8 and (drawn[0], drawn[-1]) == (0, 100)
    assert terminal.screen.count("\n") == 3  # two bars and the sum
    assert terminal.screen.rindex(SHOWN) > terminal.screen.rindex(HIDDEN)
    assert "8 stored" in terminal.screen.splitlines()[-1]


def test_ctrl_c_stops_an_import_and_says_how_to_go_on(sqlite_server: Server, tmp_path: Path) -> None:
    """The cursor comes back; the next run sends the rest only."""
    for number in range(8):
        (tmp_path / f"{number}.dcm").write_bytes(small())
    relay = Relay(sqlite_server, silent_after=3)
    call = ("import", str(tmp_path), "--url", relay.url)
    terminal = at_a_terminal(sqlite_server, *call)
    terminal.wait_for("sending")
    terminal.wait_for(" 37%")
    terminal.interrupt()
    assert terminal.end() == 1
    assert "run the same command again to go on" in terminal.screen
    assert terminal.screen.rindex(SHOWN) > terminal.screen.rindex(HIDDEN)
    relay.silent_after = 1000
    again = command(sqlite_server, *call)
    relay.close()
    assert again.returncode == 0, again.stderr
    assert "3 sent before the interruption" in again.stdout
