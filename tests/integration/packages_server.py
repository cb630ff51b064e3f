# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of a folder by HTTPS, for tests: packages_server.py PORT CERTIFICATE KEY FOLDER. Tests run it inside the laboratory.

/NAME          the file, and a part of it for `Range: bytes=N-`
/cut/NAME      the same, but an answer that begins at the beginning ends after half
/closed/NAME   the same, for the user anna with the password that is in FOLDER/password alone
/busy/NAME     the same, when it is asked for the second time; the first time is 503

FOLDER/log gets one JSON object a line: path (with the query), range, user.
"""

import base64
import json
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer it as the head of this file says."""
        folder = self.server.folder
        asked = self.headers.get("Range", "")
        scheme, _space, given = self.headers.get("Authorization", "").partition(" ")
        user, _colon, password = base64.b64decode(given if scheme == "Basic" else b"").decode().partition(":")
        with (folder / "log").open("a") as log:
            log.write(json.dumps({"path": self.path, "range": asked, "user": user}) + "\n")
        kind, _slash, name = urlsplit(self.path).path.lstrip("/").rpartition("/")
        file = folder / name
        if name in ("log", "password") or not file.is_file():
            self._answer(404, b"not here")
        elif kind == "closed" and (user, password) != ("anna", (folder / "password").read_text()):
            self._answer(401, b"who are you?")
        elif kind == "busy" and self.path not in self.server.asked:
            self.server.asked.add(self.path)
            self._answer(503, b"later")
        else:
            self._part(file.read_bytes(), asked, cut=kind == "cut")

    def _part(self, body: bytes, asked: str, cut: bool) -> None:
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if begin and begin >= len(body):
            self._answer(416, b"")
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(body) - begin))
        if asked:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        self.wfile.write(body[begin : len(body) // 2] if cut and not begin else body[begin:])

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """The log is in the folder."""


class Server(ThreadingHTTPServer):
    """Knows its folder."""

    def __init__(self, address: tuple[str, int], folder: Path) -> None:
        super().__init__(address, Handler)
        self.folder = folder
        self.asked: set[str] = set()


if __name__ == "__main__":
    server = Server(("", int(sys.argv[1])), Path(sys.argv[4]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
