"""A stand-in, no ACME server: it stands in front of pebble, on port 14001, and does what public ACME servers do and pebble
cannot. What it is not told about it hands on.

It is told by /run/acme-faults/rules.json, a list of which the first rule that fits is followed; read for every request:

    {"resource": "newOrder", "problem": "rateLimited", "status": 429, "retry_after": "3", "times": 2}
    {"path": "^/finalize-order/", "problem": "serverInternal", "status": 500}
    {"path": ".", "delay": 5}
    {"resource": "newNonce", "drop": true}
    {"renewal_info": {"suggestedWindow": {"start": …, "end": …}}, "retry_after": "21600"}

`resource` is a name of the directory, `path` a regular expression, `method` restricts either; `times` counts from the last
change of the file. A problem is an error of RFC 8555, section 6.7, sent with `status`, `detail` and Retry-After (seconds or a
date); `delay` is in seconds; `drop` closes the connection without an answer. `renewal_info` adds renewalInfo (RFC 9773) to
the directory and answers there the same for every certificate.
"""

import http.client
import json
import re
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

RULES = Path("/run/acme-faults/rules.json")
CERTIFICATE, KEY = "/etc/pebble/acme.crt", "/etc/pebble/acme.key"
PORT, PEBBLE = 14001, 14000
RENEWAL_INFO = "/renewal-info"
# The same machine: there is nobody between.
TO_PEBBLE = ssl.create_default_context()
TO_PEBBLE.check_hostname, TO_PEBBLE.verify_mode = False, ssl.CERT_NONE


class Rules:
    """What to do wrong, and how often it was done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stamp = 0
        self._left: list[float] = []
        self._rules: list[dict] = []

    def _read(self) -> list[dict]:
        try:
            stamp, text = RULES.stat().st_mtime_ns, RULES.read_text()
        except FileNotFoundError:
            stamp, text = 0, "[]"
        if stamp != self._stamp:
            self._rules = json.loads(text)
            self._left = [rule.get("times", float("inf")) for rule in self._rules]
            self._stamp = stamp
        return self._rules

    def renewal_info(self) -> dict | None:
        """The rule about it, if there is one."""
        with self._lock:
            return next((rule for rule in self._read() if "renewal_info" in rule), None)

    def follow(self, method: str, path: str) -> dict:
        """The rule for this request; {} when it is to be handed on."""
        with self._lock:
            for index, rule in enumerate(self._read()):
                if self._left[index] > 0 and self._fits(rule, method, path):
                    self._left[index] -= 1
                    return rule
        return {}

    @staticmethod
    def _fits(rule: dict, method: str, path: str) -> bool:
        if rule.get("method", method) != method:
            return False
        if "resource" in rule:
            return path == directory().get(rule["resource"])
        return "path" in rule and bool(re.search(rule["path"], path))


def ask_pebble(method: str, path: str, body: bytes | None, headers: dict) -> tuple[http.client.HTTPResponse, bytes]:
    """One request to the real server."""
    connection = http.client.HTTPSConnection("127.0.0.1", PEBBLE, context=TO_PEBBLE, timeout=60)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def directory() -> dict[str, str]:
    """The paths of the resources by their names."""
    urls = json.loads(ask_pebble("GET", "/dir", None, {})[1])
    return {name: re.sub("^https://[^/]+", "", url) for name, url in urls.items() if isinstance(url, str)}


class Handler(BaseHTTPRequestHandler):
    """Hands on, or follows a rule."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rule = rules.follow(self.command, self.path)
        time.sleep(rule.get("delay", 0))
        info = rules.renewal_info()
        if rule.get("drop"):
            self.close_connection = True
        elif "problem" in rule:
            self._problem(rule)
        elif info and self.path.startswith(RENEWAL_INFO + "/"):
            headers = {"Content-Type": "application/json", "Retry-After": info.get("retry_after", "21600")}
            self._answer(200, headers, json.dumps(info["renewal_info"]).encode())
        else:
            self._hand_on(body, info)

    do_HEAD = do_POST = do_GET

    def _hand_on(self, body: bytes, info: dict | None) -> None:
        try:
            # With the client's Host header: pebble makes its URLs of it and compares them with the signed ones.
            response, content = ask_pebble(self.command, self.path, body or None, dict(self.headers.items()))
        except OSError as error:
            self._answer(502, {"Content-Type": "text/plain"}, f"pebble does not answer: {error}\n".encode())
            return
        if info and self.path == "/dir" and content:
            url = f"https://{self.headers['Host']}{RENEWAL_INFO}"
            content = json.dumps({**json.loads(content), "renewalInfo": url}).encode()
        unwanted = ("connection", "transfer-encoding", "content-length", "date")
        headers = [(name, value) for name, value in response.getheaders() if name.lower() not in unwanted]
        self._answer(response.status, headers, content)

    def _problem(self, rule: dict) -> None:
        problem = {
            "type": f"urn:ietf:params:acme:error:{rule['problem']}",
            "detail": rule.get("detail", "told so by the laboratory"),
            "status": rule.get("status", 400),
        }
        headers = {"Content-Type": "application/problem+json"}
        if "retry_after" in rule:
            headers["Retry-After"] = str(rule["retry_after"])
        if self.command == "POST":
            nonce = ask_pebble("HEAD", directory()["newNonce"], None, {})[0].getheader("Replay-Nonce")
            headers["Replay-Nonce"] = nonce or ""
        self._answer(problem["status"], headers, json.dumps(problem).encode())

    def _answer(self, status: int, headers: dict | list, content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items() if isinstance(headers, dict) else headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


rules = Rules()


def main() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE, KEY)
    server = ThreadingHTTPServer(("", PORT), Handler)
    server.daemon_threads = True
    # The handshake belongs to the thread of a connection: somebody who only looks whether the port is open holds nobody up.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print(f"rules: {RULES}", file=sys.stderr)
    server.serve_forever()


main()
