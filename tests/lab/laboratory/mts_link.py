"""A stand-in for the vendor of MTS Link: the three addresses that its manual names. It runs only when asked for."""

import hashlib
import secrets
from pathlib import Path

from . import authority, paths, secretsfile
from .errors import LabError
from .machine import Machine
from .parts import DomainController

ADDRESSES = {
    "premise-registry.mts-link.net": "10.203.0.60",
    "license-chat.mts-link.ru": "10.203.0.61",
    "rep-box.webinar.ru": "10.203.0.62",
}
FOLDER = "etc/mts-link-standin"
SCRIPTS = ("vendor.py", "service.py")
LICENCE = (
    "MTS-LINK-STANDIN-LICENCE\n# A stand-in's: it opens nothing but the laboratory.\nnumber={number}\nusers=5000\n"
)


class Vendor(Machine):
    """vendor: registry, licences and files of a vendor who cannot be had."""

    name = "vendor"
    layer = "debian"
    address = ADDRESSES["premise-registry.mts-link.net"]
    further_addresses = tuple(ADDRESSES.values())[1:]
    needs = ("dc1",)
    group = "www-data"

    def up(self) -> None:
        """Boot it unless it runs; a domain that was made anew gets to know its names again, a changed stand-in begins anew."""
        controller = DomainController(self.instance, self.namespace)
        controller.host([name.partition(".")[2] for name in ADDRESSES])
        controller.know(ADDRESSES)
        if self.leader() and not self._is_current():
            self.down()
        super().up()

    def configure(self) -> None:
        (self.root / "etc/resolv.conf").write_text(f"nameserver {DomainController.address}\n")
        folder = self.root / FOLDER
        (folder / "addresses").mkdir(parents=True, exist_ok=True)
        for name, address in ADDRESSES.items():
            (folder / "addresses" / name).write_text(f"ADDRESS={address}\n")
        for file in SCRIPTS:
            self.put(folder / file, (paths.MTS_LINK / file).read_bytes())
        self.put(folder / "installer.sh", publish(self.instance))
        number, key, _file = licence(self.instance)
        self.put(folder / "licences.json", f'{{"{number}": "{key}"}}\n')
        self._certificates(folder)
        unit = self.root / "etc/systemd/system/vendor@.service"
        unit.write_text((paths.MTS_LINK / unit.name).read_text())
        wanted = unit.with_name("multi-user.target.wants")
        wanted.mkdir(exist_ok=True)
        for name in ADDRESSES:
            link = wanted / f"vendor@{name}.service"
            if not link.is_symlink():
                link.symlink_to(f"/etc/systemd/system/{unit.name}")

    def ready(self) -> bool:
        return all(self.answers(443, address) for address in ADDRESSES.values())

    def _certificates(self, folder: Path) -> None:
        """The right one, and those that a rule can choose."""
        state = paths.state(self.instance)
        for name, pair in {
            "right": authority.issue(state, *ADDRESSES),
            "wrong_name": authority.issue(state, "elsewhere.mts-link.ru"),
            "expired": authority.issue(state, *ADDRESSES, days=-1),
            "intercepted": authority.self_signed(state, "Corp Test Proxy", *ADDRESSES),
        }.items():
            self.put(folder / f"{name}.crt", pair[0])
            self.put(folder / f"{name}.key", pair[1])

    def _is_current(self) -> bool:
        """Its certificate is this company's, and it serves what lies in this checkout."""
        folder = self.root / FOLDER
        wanted = {file: (paths.MTS_LINK / file).read_text() for file in SCRIPTS} | {
            "installer.sh": publish(self.instance)
        }
        issuer = (paths.state(self.instance) / "company-issuing.crt").read_text()
        try:
            same = all((folder / file).read_text() == text for file, text in wanted.items())
            return same and issuer in (folder / "right.crt").read_text()
        except FileNotFoundError:
            return False


def assemble(script: str) -> str:
    """A script of the stand-in as one file, as the vendor's is: with what it shares with the other, and the wording."""
    common = (paths.MTS_LINK / "common.sh").read_text()
    wording = "".join(
        f"wording_{language}() {{\n  cat <<'WORDING'\n{(paths.MTS_LINK / f'prompts.{language}').read_text()}WORDING\n}}\n"
        for language in ("en", "ru")
    )
    text = (paths.MTS_LINK / script).read_text()
    if text.count("# @common@\n") != 1:
        raise LabError(f"{paths.MTS_LINK / script} has no line `# @common@`, where what it shares has its place.")
    return text.replace("# @common@\n", wording + common)


def licence(instance: str) -> tuple[str, str, Path]:
    """Number, key and file of the company's licence, drawn once."""
    state = paths.state(instance)
    known = secretsfile.read(state)
    number = known.get("mts-link-licence-number") or secrets.token_hex(6)
    key = known.get("mts-link-licence-key") or "-".join(secrets.token_hex(3).upper() for _part in range(5))
    secretsfile.update(state, {"mts-link-licence-number": number, "mts-link-licence-key": key})
    folder = state / "mts_link"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "corp-test.lic"
    file.write_text(LICENCE.format(number=number))
    return number, key, file


def publish(instance: str) -> str:
    """The installer; it lies in the instance's folder, too, with its SHA-256 and the script that Meetings brings."""
    folder = paths.state(instance) / "mts_link"
    folder.mkdir(mode=0o700, exist_ok=True)
    installer = assemble("installer.sh")
    (folder / "installer.sh").write_text(installer)
    (folder / "installer.sha256").write_text(f"{hashlib.sha256(installer.encode()).hexdigest()}\n")
    (folder / "add_chats_token.sh").write_text(assemble("add_chats_token.sh"))
    return installer


PARTS = (Vendor,)
