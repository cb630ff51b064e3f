# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pair that certbot renewed becomes the one that the service presents, or everything stays as it was.

Installed on the host by the role onprem.chat.certificates, started as root by certbot's timer:

  certificate_switch.py SETTINGS.json

The new pair is written into a folder of its own, DIRECTORY/NAME.d/VERSION, and one rename of the link DIRECTORY/NAME.d/current
makes it the current one. Then the service's configuration is validated, the service reloaded, and asked what it presents. When
one of these fails the link goes back, the service is reloaded again, and the exit code is 1. With nothing new it only looks whether
the service presents the pair, and makes it load it when it does not. What a start that was killed had begun is undone first.
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

STARTTLS = {"xmpp-client": "xmpp", "xmpp-server": "xmpp-server", "smtp": "smtp", "ldap": "ldap"}


class Trouble(Exception):
    """Why the new pair cannot be used, in words."""


def run(argv, **options):
    """A command's exit code and its output as one text."""
    try:
        result = subprocess.run(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            check=False,
            timeout=options.get("timeout", 120),
        )
    except subprocess.TimeoutExpired:
        return 124, f"{argv[0]} did not end in time"
    except OSError as error:
        return 127, str(error)
    return result.returncode, result.stdout.strip()


def openssl(*arguments):
    """What openssl prints. Trouble when it fails."""
    code, text = run(["openssl", *map(str, arguments)])
    if code:
        raise Trouble(text.splitlines()[-1] if text else f"openssl {arguments[0]} ended with {code}")
    return text


def fingerprint(certificate):
    """SHA-256 of the first certificate of a file, or nothing."""
    code, text = run(["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"])
    return text.partition("=")[2] if code == 0 else ""


class Service:
    """What uses the pair: its two commands and the ports where it presents the certificate."""

    def __init__(self, settings):
        self.validate = shlex.split(settings["validate"])
        self.reload = shlex.split(settings["reload"])
        self.file = settings.get("service_file", "")
        self.endpoints = settings["presented"]
        self.patience = settings.get("wait", 20)

    def is_there(self):
        """Whether it runs: without endpoints nobody knows, and its commands decide.

        From now on only the endpoints that answer count, as in the play: a port that nobody serves says nothing about a pair.
        """
        if self.file and not pathlib.Path(self.file).exists():
            return False
        wanted = self.endpoints
        self.endpoints = [point for point in wanted if self.presented(point)]
        return not wanted or bool(self.endpoints)

    def presented(self, endpoint):
        """The fingerprint that an endpoint presents, empty when nobody answers there."""
        host = f"[{endpoint['host']}]" if ":" in endpoint["host"] else endpoint["host"]
        argv = ["openssl", "s_client", "-connect", f"{host}:{endpoint['port']}"]
        argv += ["-servername", endpoint["name"]]
        if endpoint["protocol"] in STARTTLS:
            argv += ["-starttls", STARTTLS[endpoint["protocol"]]]
        if endpoint["protocol"].startswith("xmpp-"):
            argv += ["-xmpphost", endpoint["name"]]
        text = run(argv, timeout=10)[1]
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
        if not found:
            return ""
        read, write = os.pipe()
        os.write(write, found.group().encode())
        os.close(write)
        with os.fdopen(read) as source:
            result = subprocess.run(
                ["openssl", "x509", "-noout", "-fingerprint", "-sha256"],
                stdin=source,
                capture_output=True,
                text=True,
                check=False,
            )
        return result.stdout.strip().partition("=")[2]

    def others(self, expected):
        """The endpoints that present another certificate than the expected one when the patience ends."""
        end = time.monotonic() + self.patience
        while True:
            wrong = [point for point in self.endpoints if self.presented(point) != expected]
            if not wrong or time.monotonic() > end:
                return ", ".join(f"{point['protocol']} on port {point['port']}" for point in wrong)
            time.sleep(0.5)

    def load(self, expected):
        """Validate, reload, look. Trouble with the first thing that fails."""
        for what, argv in (("its configuration is refused", self.validate), ("the reload failed", self.reload)):
            if argv:
                code, text = run(argv)
                if code:
                    raise Trouble(f"{what}: {' '.join(text.split())[-500:] or f'exit code {code}'}")
        wrong = self.others(expected)
        if wrong:
            raise Trouble(f"the service does not present it: {wrong}")


class Store:
    """The pairs of one name, each in a folder of its own, and the link to the current one."""

    def __init__(self, settings):
        self.name, self.group = settings["name"], settings["group"]
        self.top = pathlib.Path(settings["directory"])
        self.folder = self.top / f"{self.name}.d"
        self.current = self.folder / "current"

    def file(self, kind, folder=None):
        return (folder or self.current) / f"{self.name}.{kind}"

    def _link(self, name, version):
        """A link, new or changed by one rename."""
        part = self.folder / ".link"
        part.unlink(missing_ok=True)
        part.symlink_to(version)
        part.replace(self.folder / name)
        self._sync(self.folder)

    def use(self, version, instead_of):
        """One rename changes certificate and key. Until `settle`, .previous names the pair before (as certificate_bundle does)."""
        self._link(".previous", instead_of)
        self._link("current", version)

    def settle(self):
        """The change is for good: `previous` is the pair to go back to, older ones go."""
        (self.folder / ".previous").replace(self.folder / "previous")
        kept = {str((self.folder / name).readlink()) for name in ("current", "previous")}
        for path in self.folder.iterdir():
            if re.fullmatch(r"\d{8}T\d{6}(-\d+)?", path.name) and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def undo(self):
        """What a start that was killed had begun, before anybody knew whether the service takes it."""
        pending = self.folder / ".previous"
        if not pending.is_symlink():
            return
        old, version = str(pending.readlink()), str(self.current.readlink())
        if old != version and (self.folder / old).is_dir():
            self.back_to(old, version)
        else:
            pending.unlink()

    def back_to(self, old, version):
        """As if nothing had been."""
        self._link("current", old)
        (self.folder / ".previous").unlink(missing_ok=True)
        shutil.rmtree(self.folder / version, ignore_errors=True)

    def add(self, certificate, key):
        """A new folder with the pair; its name."""
        base = version = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        number = 1
        while (self.folder / version).exists():
            number += 1
            version = f"{base}-{number}"
        part = self.folder / f".new-{version}"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        for kind, source, mode in (("key", key, 0o640), ("crt", certificate, 0o644)):
            target = self.file(kind, part)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pathlib.Path(source).read_bytes())
                shutil.chown(target, "root", self.group)
                target.chmod(mode)
                file.flush()
                os.fsync(file.fileno())
        self._sync(part)
        part.chmod(0o755)
        part.rename(self.folder / version)
        self._sync(self.folder)
        return version

    @staticmethod
    def _sync(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def check(certificate, key, names):
    """Trouble when the two do not belong together, or the certificate is not for the names."""
    public = openssl("pkey", "-in", key, "-pubout", "-passin", "pass:none")
    if openssl("x509", "-in", certificate, "-noout", "-pubkey") != public:
        raise Trouble("the key does not belong to the certificate")
    openssl("x509", "-in", certificate, "-noout", "-checkend", "0")
    for name in names:
        if "does match" not in openssl("x509", "-in", certificate, "-noout", "-checkhost", name.replace("*", "x", 1)):
            raise Trouble(f"it is not valid for {name}")


def look_again(store, service, current):
    """The pair is in place. Does the service present it? One that was just starting, or too slow, was left alone before."""
    if not service.is_there() or all(service.presented(point) == current for point in service.endpoints):
        return f"{store.name}: nothing new"
    try:
        service.load(current)
    except Trouble as trouble:
        raise Trouble(
            f"The certificate of {store.name} lies in place ({store.file('crt')}), but {trouble}. Correct the service; the next start of"
            " certbot.timer tries again."
        ) from trouble
    return f"{store.name}: nothing new; the service had not loaded its certificate and presents it now"


def switch(settings):
    """What was done, in one sentence. Trouble with the whole story when it failed."""
    store, service = Store(settings), Service(settings)
    lineage = pathlib.Path(settings["lineage"])
    certificate, key = lineage / "fullchain.pem", lineage / "privkey.pem"
    store.undo()
    new, before = fingerprint(certificate), fingerprint(store.file("crt"))
    if not new:
        raise Trouble(f"{certificate} cannot be read. Did somebody remove it? See: certbot certificates")
    if new == before:
        return look_again(store, service, before)
    if not before:
        # The play writes the first pair, judged. Until then nobody uses one.
        return f"{store.name}: there is no pair to renew; run the play"
    story = f"The renewed certificate of {store.name} ({certificate}) was not taken over: "
    try:
        check(certificate, key, settings["names"])
    except Trouble as trouble:
        raise Trouble(f"{story}{trouble}. Nothing was changed. See /var/log/letsencrypt.") from trouble
    served = service.is_there()
    old = str(store.current.readlink())
    version = store.add(certificate, key)
    store.use(version, instead_of=old)
    try:
        if served:
            service.load(new)
    except Trouble as trouble:
        store.back_to(old, version)
        try:
            service.load(before)
            fate = "The earlier pair was put back" + (", and the service presents it." if service.endpoints else ".")
        except Trouble as second:
            fate = f"The earlier pair was put back, but with it, too: {second}."
        raise Trouble(f"{story}{trouble}. {fate} Correct the service and run the play again.") from trouble
    store.settle()
    return f"{store.name}: the renewed certificate is in use" + ("" if served else "; its service does not run")


def main():
    try:
        settings = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    except FileNotFoundError:
        # The certificate comes from elsewhere now: certbot's own copy, and its hook, concern nobody.
        return
    # certbot names the certificate that it renewed; it may have others. The play takes over by itself.
    if (
        os.environ.get("RENEWED_LINEAGE", settings["lineage"]) != settings["lineage"]
        or "ONPREM_CHAT_PLAY" in os.environ
    ):
        return
    os.umask(0o077)
    with contextlib.ExitStack() as stack:
        # The lock that certificate_bundle takes: it leaves no file.
        lock = os.open(settings["directory"], os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            print(switch(settings))
        except Trouble as trouble:
            print(trouble, file=sys.stderr)
            sys.exit(1)


if __name__ == "__main__":
    main()
