"""A stand-in, not the vendor's software: the web side of MTS Link on-premise (Chats) as far as the manual describes it.

service.py CERTIFICATE KEY: https://…/chats/ is the login page, everything else answers 403; port 80 leads to 443.
"""

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = b"<!doctype html><title>STAND-IN: MTS Link Chats</title><h1>Sign in</h1><form><input name=login></form>\n"


class Handler(BaseHTTPRequestHandler):
    """Port 443."""

    timeout = 30

    def do_GET(self) -> None:
        if self.path == "/chats/" or self.path.startswith("/chats/?"):
            self.answer(200, PAGE)
        else:
            self.answer(403, b"403 Forbidden\n")

    do_HEAD = do_GET

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing is logged."""


class Plain(Handler):
    """Port 80."""

    def do_GET(self) -> None:
        if self.path.startswith("/.well-known/acme-challenge/"):
            self.answer(404, b"404 Not Found\n")
        else:
            host = self.headers.get("Host", "").partition(":")[0]
            self.answer(301, b"", Location=f"https://{host}{self.path}")

    do_HEAD = do_GET


def main(certificate: str, key: str) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    plain, secure = ThreadingHTTPServer(("", 80), Plain), ThreadingHTTPServer(("", 443), Handler)
    # The handshake belongs to the thread of a connection: somebody who only looks whether the port is open holds nobody up.
    secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    secure.serve_forever()


main(*sys.argv[1:])
