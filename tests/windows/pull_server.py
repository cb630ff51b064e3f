# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small server of the test packages, for hosts that pull: only while its tests run, only under an address that was drawn."""

from __future__ import annotations

import contextlib
import secrets
import ssl
import subprocess
import tempfile
import threading
import typing as t
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Handler(SimpleHTTPRequestHandler):
    """Files of one folder below one path; no listings, no messages."""

    prefix = ""

    def do_GET(self) -> None:
        folder, _slash, name = self.path.partition("?")[0].rpartition("/")
        if folder != self.prefix or not Path(str(self.directory), name).is_file():
            self.send_error(404)
            return
        self.path = f"/{name}"
        super().do_GET()

    do_HEAD = do_GET

    def log_message(self, *_words: t.Any) -> None:
        """Nothing is printed."""


class PullServer:
    """Serves at 0.0.0.0:PORT of ``address``: https with a certificate, which the host must trust, else http."""

    def __init__(self, address: str, certificate: str, folder: Path) -> None:
        self.host, _colon, port = address.rpartition(":")
        self.prefix = f"/{secrets.token_hex(8)}"
        self.certificate = certificate
        self.folder = folder
        self.server = self._server(int(port), certificate)

    def __enter__(self) -> PullServer:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def url(self, name: str) -> str:
        """Where the host finds a package."""
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://{self.host}:{self.server.server_port}{self.prefix}/{name}"

    @contextlib.contextmanager
    def untrusted(self) -> t.Iterator[str]:
        """A second server at a free port, with a certificate that nobody has signed."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "both.pem")
            command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            command += ["-subj", f"/CN={self.host}", "-days", "1", "-keyout", str(file), "-out", f"{folder}/cert.pem"]
            subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
            file.write_text(file.read_text() + Path(folder, "cert.pem").read_text())
            server = self._server(0, str(file))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"https://{self.host}:{server.server_port}{self.prefix}"
        finally:
            server.shutdown()
            server.server_close()

    def _server(self, port: int, certificate: str) -> ThreadingHTTPServer:
        prefix, folder = self.prefix, str(self.folder)

        class Handler(_Handler):
            def __init__(self, *given: t.Any, **more: t.Any) -> None:
                self.prefix = prefix
                super().__init__(*given, directory=folder, **more)

        server = ThreadingHTTPServer(("0.0.0.0", port), Handler)  # noqa: S104 -- the host must reach it
        server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        return server
