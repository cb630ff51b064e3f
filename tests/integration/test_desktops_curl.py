# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desktops' stand-in for curl.exe against an HTTPS server with a certificate of the company's CA."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from downloads_server import BODY
from lab_desktops import Desktop

SITE = "https://win1.corp.test:8443"
CURL = r"curl -fsSL -o C:\got.bin"


@pytest.fixture(scope="module")
def downloads(desktop: Desktop) -> Desktop:
    r"""The server runs on win1 with the certificate of its endpoint. C:\ca.pem is the company's root, C:\other.pem another CA's."""
    lab = desktop.lab
    script = Path(__file__).with_name("downloads_server.py").read_text()
    lab.exec("win1", ["sh", "-c", "cat >/run/downloads_server.py"], check=True, input=script)
    server = ["python3", "/run/downloads_server.py", "8443", "/etc/endpoint/endpoint.crt", "/etc/endpoint/endpoint.key"]
    lab.exec("win1", ["systemd-run", "--quiet", "--unit=downloads", *server], check=True)
    probe = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8443"]
    desktop.eventually(lambda: lab.exec("win1", probe).returncode == 0)
    other = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]
    other += ["/CN=Other Root", "-keyout", "/dev/null"]
    desktop.write(r"C:\other.pem", lab.exec("win1", other, check=True).stdout.encode())
    desktop.write(r"C:\ca.pem", (lab.state / "company-ca.crt").read_bytes())
    desktop.write(r"C:\empty.pem", b"nothing\n")
    return desktop


@pytest.fixture(autouse=True)
def nothing_there(downloads: Desktop) -> None:
    downloads.file(r"C:\got.bin").unlink(missing_ok=True)


@pytest.mark.parametrize("path", ["file", "moved"])
@pytest.mark.parametrize("trust", ["", r"--cacert C:\ca.pem"])
def test_a_download_is_what_the_server_has(downloads: Desktop, path: str, trust: str) -> None:
    assert downloads.run(f"{CURL} {trust} {SITE}/{path}").code == 0
    assert downloads.file(r"C:\got.bin").read_bytes() == BODY


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (rf"--cacert C:\other.pem {SITE}/file", 60),
        (rf"--cacert C:\ca.pem {SITE.replace('win1.corp.test', 'win1')}/file", 60),
        (rf"--cacert C:\empty.pem {SITE}/file", 77),
        (rf"-k {SITE.replace('win1.corp.test', 'win1')}/none", 22),
        ("https://10.203.0.20:22/file", 35),
        (f"{SITE}/none", 22),
        (f"{SITE.replace('8443', '8444')}/file", 7),
        ("https://none.corp.test/file", 6),
        (f"--unknown {SITE}/file", 2),
    ],
)
def test_what_goes_wrong_has_the_exit_code_of_curl(downloads: Desktop, arguments: str, code: int) -> None:
    assert downloads.run(f"{CURL} {arguments}").code == code
    assert not (downloads.file(r"C:\got.bin").exists() and downloads.file(r"C:\got.bin").stat().st_size)


def test_a_download_that_was_cut_is_resumed(downloads: Desktop) -> None:
    assert downloads.run(f"{CURL} {SITE}/cut").code in (18, 56)
    half = downloads.file(r"C:\got.bin").read_bytes()
    assert 0 < len(half) <= len(BODY) // 2
    assert BODY.startswith(half)
    for _time in ("the rest", "nothing is left"):
        assert downloads.run(f"{CURL} -C - {SITE}/file").code == 0
        assert downloads.file(r"C:\got.bin").read_bytes() == BODY


def test_a_server_that_is_busy_is_asked_again(downloads: Desktop) -> None:
    assert downloads.run(f"{CURL} {SITE}/again").code == 22
    assert downloads.run(f"{CURL} --retry 3 --retry-delay 1 {SITE}/again").code == 0
    assert downloads.file(r"C:\got.bin").read_bytes() == BODY


# What curl itself, of this machine, makes of the same texts, is asked beside it. {} is the server's address, and a place that nobody has.
CONFIGS = {
    "plain": 'fail\nsilent\nshow-error\nurl = "{}"\n',
    "separators": "fail\nsilent:\nurl:{}\n",
    "no quotation marks": "silent\nurl = {} # what it is about\n",
    "comments and empty lines": "# silent\n\n   # indented\n/ so\n* too\nurl={}\n",
    "dashes": "-sS\n--fail\n--url {}\n",
    "dashes and a separator": "--url = {}\n",
    "windows ends": 'silent\r\nurl = "{}"\r\n',
    "a backslash that means nothing": 'silent\nurl = "\\{}"\nheader = "X: \\"y\\" \\\\ z"\n',
    "no end": 'silent\nurl = "{}',
    "a value too many": "fail = yes\nurl = {}\n",
    "a value missing": "silent\nmax-time\nurl = {}\n",
    "no number": "max-time = soon\nurl = {}\n",
    "no address": "silent\nfail\n",
    "nothing": "",
}


@pytest.mark.parametrize("name", CONFIGS)
def test_orders_are_read_as_curl_reads_them(downloads: Desktop, tmp_path: Path, name: str) -> None:
    """Nobody listens there: 7 says that the address was understood, 2 that there was none, 3 that it is none."""
    text = CONFIGS[name].format("http://127.0.0.1:9/x")
    real = subprocess.run(
        ["curl", "--config", "-"], cwd=tmp_path, input=text.encode(), capture_output=True, check=False
    )
    assert downloads.run("curl --config -", stdin=text).code == real.returncode


def test_a_file_of_orders(downloads: Desktop) -> None:
    orders = (
        f'fail\nsilent\nshow-error\ncacert = "C:\\\\ca.pem"\noutput = "C:\\\\got.bin"\nurl = "{SITE}/file?a=%20b"\n'
    )
    downloads.write(r"C:\orders.txt", orders.encode())
    assert downloads.run(r"curl --config C:\orders.txt").code == 22
    downloads.write(r"C:\orders.txt", orders.replace("?a=%20b", "").encode())
    assert downloads.run(r"curl -K C:\orders.txt").code == 0
    assert downloads.file(r"C:\got.bin").read_bytes() == BODY


@pytest.mark.parametrize(("orders", "code"), [("C:\\none.txt", 26), ("C:\\unknown.txt", 2)])
def test_orders_that_are_refused(downloads: Desktop, orders: str, code: int) -> None:
    """Curl itself warns about an option that it does not know and goes on; which it knows this one cannot tell."""
    downloads.write(r"C:\unknown.txt", b"never-heard-of\n")
    assert downloads.run(f"curl -sS --config {orders} {SITE}/file").code == code
