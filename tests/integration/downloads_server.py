# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small HTTPS server for downloads: downloads_server.py PORT CERTIFICATE KEY. Tests run it inside the laboratory.

/file     BODY, and a part of it for `Range: bytes=N-`
/again    503 for the first two requests, then BODY
/cut      says that all of BODY comes and ends after half
/moved    leads to /file
others    404
"""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 4000
asked = 0


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer it as the head of this file says."""
        global asked
        if self.path == "/moved":
            self._answer(302, b"", Location="/file")
        elif self.path == "/cut":
            self._head(200, len(BODY))
            self.wfile.write(BODY[: len(BODY) // 2])
        elif self.path == "/again" and asked < 2:
            asked += 1
            self._answer(503, b"later")
        elif self.path in ("/file", "/again"):
            self._file()
        else:
            self._answer(404, b"not here")

    def _file(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if start >= len(BODY):
            self._answer(416, b"", **{"Content-Range": f"bytes */{len(BODY)}"})
        elif start:
            self._answer(206, BODY[start:], **{"Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"})
        else:
            self._answer(200, BODY)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self._head(status, len(body), **headers)
        self.wfile.write(body)

    def _head(self, status: int, length: int, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("", int(sys.argv[1])), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
