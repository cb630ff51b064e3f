# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packages, made by real tools: MSI by wixl and msibuild, setup programs by makensis, signatures by osslsigncode."""

from __future__ import annotations

import datetime
import os
import pathlib
import subprocess

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UPGRADE = "{11111111-2222-3333-4444-555555555599}"
CODE = "{{11111111-2222-3333-4444-5555555555{:02}}}"
# msitools write and read texts in the code page of the locale.
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}

WXS = """<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
 <Product Id="{code}" Name="{name}" Language="{language}" Version="{version}" Manufacturer="Example &amp; Co" UpgradeCode="{upgrade}">
  <Package InstallerVersion="200" Compressed="yes" InstallScope="{scope}"/>
  <MajorUpgrade DowngradeErrorMessage="newer"/>
  <Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
  <Property Id="SERVER" Value="chat.example"/>
  <Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="{place}"><Directory Id="D" Name="Chat">
   <Component Id="C" Guid="{{11111111-2222-3333-4444-555555555588}}"><File Id="F" Source="payload.bin" KeyPath="yes"/></Component>
  </Directory></Directory></Directory>
  <Feature Id="X" Level="1"><ComponentRef Id="C"/></Feature>
 </Product>
</Wix>
"""

NSI = """Unicode true
{head}
Name "Chat"
OutFile "{out}"
RequestExecutionLevel {level}
InstallDir "$LOCALAPPDATA\\Chat"
VIProductVersion "1.2.3.4"
VIAddVersionKey /LANG=1049 "ProductName" "{product}"
VIAddVersionKey /LANG=1049 "ProductVersion" "1.2.3-beta"
VIAddVersionKey /LANG=1049 "FileVersion" "1.2.3.4"
VIAddVersionKey /LANG=1049 "FileDescription" "Chat setup"
VIAddVersionKey /LANG=1049 "CompanyName" "Пример"
VIAddVersionKey /LANG=1049 "LegalCopyright" "nobody"
Section
SetOutPath $INSTDIR
{files}
WriteUninstaller "$INSTDIR\\Uninstall.exe"
SectionEnd
Section Uninstall
SectionEnd
"""


def run(*command: object, **options) -> str:
    """What it prints on stdout; it must succeed."""
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
        timeout=120,
        **options,
    )
    text = done.stdout.decode("utf-8", "replace")
    assert not done.returncode, f"{command} ended with {done.returncode}\n{text}"
    return text


class Workshop:
    """A folder in which packages are made."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        (folder / "payload.bin").write_bytes(os.urandom(20_000))
        (folder / "app-64.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + os.urandom(20_000))

    def msi(
        self,
        name: str,
        number: int = 1,
        architecture: str = "x64",
        scope: str = "perMachine",
        version: str = "1.2.3",
        language: int = 1033,
    ) -> pathlib.Path:
        source, target = self.folder / f"{name}.wxs", self.folder / f"{name}.msi"
        place = {"x64": "ProgramFiles64Folder", "x86": "ProgramFilesFolder"}[architecture]
        source.write_text(
            WXS.format(
                code=CODE.format(number),
                name="Chat",
                language=language,
                version=version,
                upgrade=UPGRADE,
                scope=scope,
                place="LocalAppDataFolder" if scope == "perUser" else place,
            )
        )
        run("wixl", "-a", architecture, "-o", target, source, cwd=self.folder)
        return target

    def rename(self, package: pathlib.Path, name: str, codepage: int) -> None:
        """wixl writes ASCII only; msibuild sets the code page and then the name."""
        table = self.folder / "codepage.idt"
        table.write_bytes(f"\r\n\r\n{codepage}\t_ForceCodepage\r\n".encode())
        run("msibuild", package, "-i", table)
        statement = f"UPDATE Property SET Value = '{name}' WHERE Property = 'ProductName'"  # noqa: S608 - the tests' own
        run("msibuild", package, "-q", statement)

    def nsis(
        self,
        name: str,
        head: str = "",
        level: str = "user",
        files: str = "File payload.bin",
        product: str = "Чат «Ёж»",
    ) -> pathlib.Path:
        source, target = self.folder / f"{name}.nsi", self.folder / f"{name}.exe"
        source.write_text(
            NSI.format(head=head, out=target, level=level, files=files, product=product), encoding="utf-8"
        )
        run("makensis", "-V1", "-INPUTCHARSET", "UTF8", source, cwd=self.folder)
        return target


def table(package: pathlib.Path, name: str) -> list[list[str]]:
    """A table's rows as msiinfo exports them."""
    lines = run("msiinfo", "export", package, name).replace("\r\n", "\n").split("\n")
    return [line.split("\t") for line in lines[3:] if line]


def summary(package: pathlib.Path) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in run("msiinfo", "suminfo", package).splitlines() if ": " in line)


class Authority:
    """A certificate authority and those it vouches for, as PEM files."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.folder = folder
        self.now = datetime.datetime.now(datetime.UTC)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate = self._issue(self.name, self.key, -1000, 1000, None)
        self.anchor = folder / f"{name}.pem"
        self.anchor.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, purpose=ExtendedKeyUsageOID.CODE_SIGNING, begin: int = -100, end: int = 100):
        """Certificate and key files, and the certificate; from and to so many days from now."""
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ООО «Пример»"),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = self._issue(subject, key, begin, end, purpose)
        paths = self.folder / f"{name}-{begin}{end}.crt", self.folder / f"{name}-{begin}{end}.key"
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].touch(0o600)
        paths[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return *paths, certificate

    def _issue(self, subject, key, begin: int, end: int, purpose):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + datetime.timedelta(days=begin))
            .not_valid_after(self.now + datetime.timedelta(days=end))
            .add_extension(x509.BasicConstraints(ca=purpose is None, path_length=None), critical=True)
        )
        if purpose is not None:
            # RFC 3161 wants the purpose of a timestamp's certificate critical and alone.
            critical = purpose == ExtendedKeyUsageOID.TIME_STAMPING
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=critical)
        return builder.sign(self.key, hashes.SHA256())


def sign(
    package: pathlib.Path, target: pathlib.Path, certificate: pathlib.Path, key: pathlib.Path, *more: object
) -> pathlib.Path:
    run(
        "osslsigncode",
        "sign",
        "-certs",
        certificate,
        "-key",
        key,
        "-h",
        "sha256",
        *more,
        "-in",
        package,
        "-out",
        target,
    )
    return target
