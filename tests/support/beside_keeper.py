"""A process that keeps one beside it, for tests that kill it: prints the id of that process and its port."""

from __future__ import annotations

import socket
import sys
import time

from plugin.beside.process import Beside


def main() -> None:
    kept = Beside(sys.argv[1], lambda: socket.create_server(("127.0.0.1", 0)), {})
    kept.start()
    while kept.process_id is None:
        time.sleep(0.01)
    print(kept.process_id, kept.port, flush=True)
    time.sleep(600)


if __name__ == "__main__":
    main()
