"""The process beside Orthanc that takes HL7 messages (`python -m plugin.beside.hl7 DESCRIPTOR`): like another node on
the same database.

It gets the open port from Orthanc and takes what comes there, until Orthanc says `stop` or is gone.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from plugin.beside.lines import STOP

STDIN = 0
_asked_to_stop = threading.Event()


def main() -> int:
    """Serve until Orthanc ends."""
    for one in (signal.SIGINT, signal.SIGTERM):  # reach the whole group (Ctrl-C, systemd); Orthanc says when to stop
        signal.signal(one, signal.SIG_IGN)
    threading.Thread(target=_follow_orthanc, name="ehr-bridge-follows-orthanc", daemon=True).start()
    from plugin.beside.serving import serving  # takes a second, in which Orthanc may end

    with serving(int(sys.argv[1])):
        _asked_to_stop.wait()
    return 0


def _follow_orthanc() -> None:
    """The pipe from Orthanc ends with it, however it ended: from then on nobody may write here.

    Not by `sys.stdin`: who waits there has its lock, and Python aborts when it ends meanwhile."""
    if os.read(STDIN, len(STOP)) == STOP:
        _asked_to_stop.set()
        os.read(STDIN, 1)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
