# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins with certificates of any age: ``openssl s_server`` where the users of the laboratory are."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from company_ca import Issued
from conftest import LAB

ADDRESS = "10.203.0.100"
WINRM = 5986


class CertificateServers:
    """Servers that present what they are given, on ports of one address. They stand in for anything with TLS from the first byte."""

    def __init__(self, lab, folder: Path) -> None:
        self._lab, self._folder = lab, folder
        self._running: list[subprocess.Popen] = []

    def issued(self, port: int, issued: Issued) -> None:
        """The certificate of a CA, with the issuing one."""
        self._start(port, issued.pem([issued.certificate]), issued.key_pem(), issued.pem([issued.issuing]))

    def self_signed(self, port: int, name: str, days: int) -> None:
        """What a WinRM listener has by custom: nobody's but its own."""
        key, certificate = self._folder / f"{port}.key", self._folder / f"{port}.crt"
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            str(days),
            "-subj",
            f"/CN={name}",
        ]
        subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self._serve(port, certificate, key)

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(10)

    def _start(self, port: int, certificate: bytes, key: bytes, chain: bytes) -> None:
        files = []
        for kind, content in (("crt", certificate), ("key", key), ("chain", chain)):
            files.append(self._folder / f"{port}.{kind}")
            files[-1].write_bytes(content)
        self._serve(port, files[0], files[1], "-cert_chain", str(files[2]))

    def _serve(self, port: int, certificate: Path, key: Path, *options: str) -> None:
        command = ["openssl", "s_server", "-accept", f"{ADDRESS}:{port}", "-cert", str(certificate), "-key", str(key)]
        self._running.append(
            subprocess.Popen(
                [LAB, "exec", "users", "--", *command, *options, "-www", "-quiet"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        for _try in range(100):
            listening = self._lab.exec("users", ["ss", "-Hltn", f"sport = :{port}"], check=True).stdout
            if listening:
                return
            time.sleep(0.1)
        raise AssertionError(f"no stand-in listens on port {port}")
