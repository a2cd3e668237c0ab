"""A relay before the server, which can fail."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.support.server import Server


class Relay:
    """Stands between the command and the server; from a given file on it passes files on but keeps the answer back.
    What the server is asked beside that it answers."""

    def __init__(self, server: Server, silent_after: int) -> None:
        self.silent_after, self.passed_on = silent_after, 0
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {k: v for k, v in self.headers.items() if k.startswith(("X-", "Auth", "Content-Type"))}
                answer = requests.post(server.url + self.path, data=body, headers=kept, timeout=300)
                relay.passed_on += self.path.endswith("/upload")
                if relay.passed_on > relay.silent_after:
                    return  # the connection ends without a word
                self.send_response(answer.status_code)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
