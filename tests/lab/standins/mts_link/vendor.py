"""A stand-in, not the vendor: answers at the three addresses that the manual of MTS Link on-premise (Chats) names.

vendor.py NAME ADDRESS: one process for each name. Of the paths only /chats/latest/installer.sh at rep-box.webinar.ru is
documented; what else the stand-in installer asks is invented (README.md). What was issued lies in state.json, which the three
share; the licences that are valid in licences.json.

/run/mts-link-standin/rules.json says what goes wrong, a list of which the first rule that fits is followed, read for every
request:

    {"name": "premise-registry.mts-link.net", "status": 401}
    {"name": "license-chat.mts-link.ru", "path": "^/standin/licence", "status": 403, "body": "refused"}
    {"path": ".", "delay": 5}                              seconds before the answer
    {"path": "^/v2/", "drop": true, "times": 2}            the connection ends without an answer, the first two times
    {"name": "rep-box.webinar.ru", "certificate": "intercepted"}    as a proxy that reads along; also wrong_name, expired
"""

import base64
import fcntl
import hmac
import json
import re
import secrets
import ssl
import sys
import time
import urllib.parse
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILES = Path("/etc/mts-link-standin")
STATE = Path("/var/lib/mts-link-standin/state.json")
RULES = Path("/run/mts-link-standin/rules.json")
UNAUTHORIZED = "unauthorized: Incorrect login or password"


def read(file: Path, default: object) -> object:
    try:
        return json.loads(file.read_text())
    except FileNotFoundError:
        return default


class Rules:
    """What to do wrong, and how often it was done since the file changed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stamp, self._used = 0, {}

    def find(self, wanted: str, path: str = "") -> dict:
        """The first rule that has the key `wanted` and fits; {} when there is none."""
        stamp = RULES.stat().st_mtime_ns if RULES.exists() else 0
        if stamp != self._stamp:
            self._stamp, self._used = stamp, {}
        for index, rule in enumerate(read(RULES, [])):
            fits = rule.get("name", self.name) == self.name and re.search(rule.get("path", "."), path or "/")
            if wanted in rule and fits and self._used.get(index, 0) < rule.get("times", float("inf")):
                self._used[index] = self._used.get(index, 0) + 1
                return rule
        return {}


@contextmanager
def state():
    """Everything that was issued; what is changed in the block is kept."""
    with STATE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read(STATE, {"clients": {}, "tokens": {}})
        before = json.dumps(known)
        yield known
        if json.dumps(known) != before:
            new = STATE.with_suffix(".new")
            new.write_text(json.dumps(known, indent=1))
            new.replace(STATE)


def same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def licensed(number: str, key: str) -> bool:
    return same(key, read(FILES / "licences.json", {}).get(number, secrets.token_hex()))


def drawn(size: int) -> str:
    """A secret of so many random bytes. It always begins like an option: where that matters, it shows in each run, not in one of 64."""
    return f"-{secrets.token_urlsafe(size)}"


def issue(form: dict) -> tuple[int, str]:
    """Client ID and secret for a domain; a former pair of this domain is void then."""
    identity, secret = secrets.token_hex(16), drawn(32)
    with state() as known:
        known["clients"] = {key: one for key, one in known["clients"].items() if one["domain"] != form["domain"]}
        known["clients"][identity] = {"domain": form["domain"], "secret": secret}
    return 200, f"{identity} {secret}"


def check_client(form: dict) -> tuple[int, str]:
    with state() as known:
        client = known["clients"].get(form["id"])
    if not client or not same(form["secret"], client["secret"]):
        return 403, "unknown client"
    return (200, "") if client["domain"] == form["domain"] else (403, f"issued for another domain: {client['domain']}")


def new_token(form: dict) -> tuple[int, str]:
    token = drawn(48)
    with state() as known:
        if known["clients"].get(form["id"], {}).get("domain") != form["domain"]:
            return 403, "unknown client"
        known["tokens"] = {key: domain for key, domain in known["tokens"].items() if domain != form["domain"]}
        known["tokens"][token] = form["domain"]
    return 200, token


def check_token(form: dict) -> tuple[int, str]:
    with state() as known:
        domain = next((domain for token, domain in known["tokens"].items() if same(form["token"], token)), None)
    if domain is None:
        return 403, "unknown token"
    return (200, "") if domain == form["domain"] else (403, "issued for another domain")


def check_licence(form: dict) -> tuple[int, str]:
    return (200, "") if licensed(form["number"], form["key"]) else (403, "refused")


POSTS = {
    ("rep-box.webinar.ru", "/standin/issue"): issue,
    ("rep-box.webinar.ru", "/standin/token"): check_token,
    ("license-chat.mts-link.ru", "/standin/licence"): check_licence,
    ("license-chat.mts-link.ru", "/standin/client"): check_client,
    ("license-chat.mts-link.ru", "/standin/token"): new_token,
}
FILES_AT = {
    ("rep-box.webinar.ru", "/chats/latest/installer.sh"): "installer.sh",
    ("premise-registry.mts-link.net", "/v2/chats/service.py"): "service.py",
}


class Handler(BaseHTTPRequestHandler):
    """One name."""

    timeout = 60
    rules: Rules

    def do_GET(self) -> None:
        self.respond(self.get)

    def do_POST(self) -> None:
        self.respond(self.post)

    do_HEAD = do_GET

    def respond(self, method) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(self.rules.find("delay", self.path).get("delay", 0))
        if self.rules.find("drop", self.path):
            self.close_connection = True
            return
        rule = self.rules.find("status", self.path)
        if rule:
            status, content = (
                rule["status"],
                rule.get("body", UNAUTHORIZED if rule["status"] == 401 else "told so by a test"),
            )
        else:
            try:
                status, content = method(body.decode())
            except (KeyError, ValueError) as error:
                status, content = 400, f"{type(error).__name__}"
        content = content.encode() if isinstance(content, str) else content
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def get(self, _body: str) -> tuple[int, str | bytes]:
        url = urllib.parse.urlsplit(self.path)
        file = FILES_AT.get((self.rules.name, url.path))
        if file:
            return 200, (FILES / file).read_bytes()
        if self.rules.name.startswith("premise-registry"):
            if url.path == "/":
                return (200, "") if self.logged_in() else (401, UNAUTHORIZED)
            if url.path.startswith("/v2/chats/blobs/"):
                return 200, bytes(1024) * min(int(urllib.parse.parse_qs(url.query)["kib"][0]), 65536)
        return 404, "404 Not Found\n"

    def logged_in(self) -> bool:
        kind, _space, pair = self.headers.get("Authorization", "").partition(" ")
        number, _colon, key = base64.b64decode(pair).decode().partition(":")
        return kind == "Basic" and licensed(number, key)

    def post(self, body: str) -> tuple[int, str]:
        answer = POSTS.get((self.rules.name, self.path))
        return (
            answer(dict(urllib.parse.parse_qsl(body, keep_blank_values=True))) if answer else (404, "404 Not Found\n")
        )

    def log_message(self, form: str, *arguments: object) -> None:
        sys.stderr.write(f"{self.client_address[0]} {form % arguments}\n")


def contexts() -> dict[str, ssl.SSLContext]:
    """By what a rule calls them; "" is the right one."""
    found = {}
    for file in FILES.glob("*.crt"):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file, file.with_suffix(".key"))
        found["" if file.stem == "right" else file.stem] = context
    return found


def main(name: str, address: str) -> None:
    Handler.rules = Rules(name)
    known = contexts()

    def choose(connection: ssl.SSLObject, _server_name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = known[Handler.rules.find("certificate").get("certificate", "")]

    known[""].sni_callback = choose
    server = ThreadingHTTPServer((address, 443), Handler)
    server.daemon_threads = True
    # The handshake belongs to the thread of a connection: somebody who only looks whether the port is open holds nobody up.
    server.socket = known[""].wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


main(*sys.argv[1:])
