"""A process beside, for tests: answers each connection `done` after it has done what was asked."""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading

from plugin.beside.lines import CHANGED, READY, STOP, LineHandler, say


def main() -> None:
    def follow() -> None:
        assert sys.stdin.buffer.readline() in (STOP, b"")
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    logging.getLogger().handlers[:] = [LineHandler()]
    server = socket.socket(fileno=int(sys.argv[1]))
    say(READY)
    while True:
        peer, _ = server.accept()
        with peer:
            match peer.recv(100):
                case b"change":
                    say(CHANGED)
                case b"log":
                    logging.getLogger("child").error("a line of the child")
                case b"print":
                    print("printed, and not in our form", file=sys.stderr, flush=True)
            peer.sendall(b"done")


if __name__ == "__main__":
    main()
