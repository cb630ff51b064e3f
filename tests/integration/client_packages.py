# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

r"""Installers for tests of win_client, made by wixl and makensis: each writes a line into C:\starts.txt whenever it is started."""

from __future__ import annotations

import subprocess
from pathlib import Path

STARTS = "C:\\starts.txt"
CODE = "{6f8c1d20-5b1a-4c6e-9a00-00000000f1%02d}"

_WXS = """<?xml version="1.0" encoding="UTF-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
  <Product Id="{code}" Name="{name}" Language="1033" Version="{version}" Manufacturer="onprem.chat laboratory"
      UpgradeCode="{upgrade}">
    <Package InstallerVersion="200" Compressed="yes" InstallScope="perMachine" Description="{name} {version}"/>
    {major}
    <Media Id="1" Cabinet="files.cab" EmbedCab="yes"/>
    <Property Id="SERVER" Value="chat.corp.test"/>
    <Property Id="NAME" Value="none"/>
    <Property Id="CMD" Value="cmd.exe"/>
    <CustomAction Id="Count" Property="CMD" ExeCommand="/c echo {version}&gt;&gt;{starts}" Execute="immediate" Return="check"/>
    {actions}
    <InstallExecuteSequence>
      <Custom Action="Count" After="InstallInitialize"/>
      {sequence}
    </InstallExecuteSequence>
    <Directory Id="TARGETDIR" Name="SourceDir">
      <Directory Id="ProgramFiles64Folder">
        <Directory Id="INSTALLDIR" Name="{name}">
          <Component Id="Payload" Guid="{component}" Win64="yes">
            <File Id="Payload" Name="payload.bin" Source="{payload}" KeyPath="yes"/>
            <RegistryKey Root="HKLM" Key="Software\\onprem.chat laboratory\\{name}">
              <RegistryValue Type="string" Name="Server" Value="[SERVER]"/>
              <RegistryValue Type="string" Name="Name" Value="[NAME]"/>
            </RegistryKey>
          </Component>
        </Directory>
      </Directory>
    </Directory>
    <Feature Id="Main" Level="1"><ComponentRef Id="Payload"/></Feature>
  </Product>
</Wix>
"""

_NSI = r"""Unicode true
Name "{name}"
OutFile "{out}"
InstallDir "$PROGRAMFILES64\{name}"
RequestExecutionLevel admin
SilentInstall {silent}
AllowSkipFiles off
VIProductVersion "{version}.0"
VIAddVersionKey ProductName "{name}"
VIAddVersionKey ProductVersion "{version}"
VIAddVersionKey FileVersion "{version}.0"
VIAddVersionKey FileDescription "{name}"
VIAddVersionKey LegalCopyright "GPL-3.0-or-later"
!include FileFunc.nsh
Page instfiles
UninstPage instfiles
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\{name}"
Function .onInit
  SetRegView 64
  FileOpen $0 "{starts}" a
  FileSeek $0 0 END
  FileWrite $0 "{version}$\r$\n"
  FileClose $0
  {begin}
FunctionEnd
Function un.onInit
  SetRegView 64
FunctionEnd
Section
  SetOutPath "$INSTDIR"
  {files}
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${{KEY}}" DisplayName "{name}"
  WriteRegStr HKLM "${{KEY}}" DisplayVersion "{version}"
  WriteRegStr HKLM "${{KEY}}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKLM "${{KEY}}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  ${{GetParameters}} $1
  ${{GetOptions}} $1 "/CODE=" $2
  IfErrors +2
  SetErrorLevel $2
SectionEnd
Section Uninstall
  RMDir /r "$INSTDIR"
  DeleteRegKey HKLM "${{KEY}}"
SectionEnd
"""


class Packages:
    """A folder in which they are made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.payload = folder / "payload.bin"
        self.payload.write_bytes(b"payload\r\n")

    def msi(
        self,
        file: str,
        *,
        version: str = "1.0.0",
        number: int = 1,
        name: str = "Corp Count",
        actions: str = "",
        sequence: str = "",
        payload: Path | None = None,
        replaces: bool = True,
    ) -> str:
        """The path of an MSI. ``number`` makes ProductCode and UpgradeCode; one that ``replaces`` removes other versions."""
        source, target = self.folder / "package.wxs", self.folder / f"{file}.msi"
        text = _WXS.format(
            code=CODE % number,
            component=f"6f8c1d20-5b1a-4c6e-9a01-00000000f1{number:02}",
            name=name,
            version=version,
            upgrade=f"6f8c1d20-5b1a-4c6e-9a00-00000000f2{number:02}",
            major='<MajorUpgrade DowngradeErrorMessage="A newer version is installed."/>' if replaces else "",
            starts=STARTS,
            actions=actions,
            sequence=sequence,
            payload=(payload or self.payload).name,
        )
        source.write_text(text, encoding="utf-8")
        self._run("wixl", "-a", "x64", "-o", target, source)
        return str(target)

    def exe(
        self,
        file: str,
        *,
        version: str = "1.0.0",
        name: str = "Corp Count Voice",
        begin: str = "",
        files: str = "",
        silent: str = "normal",
    ) -> str:
        """The path of a setup program. ``begin`` and ``files``: instructions of NSIS, before anything and in the section."""
        source, target = self.folder / "package.nsi", self.folder / f"{file}.exe"
        files = files or f'File "{self.payload}"'
        text = _NSI.format(
            out=target, name=name, version=version, begin=begin, files=files, silent=silent, starts=STARTS
        )
        source.write_text(text, encoding="utf-8")
        self._run("makensis", "-V1", "-INPUTCHARSET", "UTF8", "-XTarget amd64-unicode", source)
        return str(target)

    def program(self, file: str) -> Path:
        """A program that runs for ten minutes and shows nothing."""
        source, target = self.folder / "program.nsi", self.folder / file
        source.write_text(
            f'Unicode true\nName "{target.stem}"\nOutFile "{target}"\nRequestExecutionLevel user\nSilentInstall silent\n'
            "Section\nSleep 600000\nSectionEnd\n",
            encoding="utf-8",
        )
        self._run("makensis", "-V1", "-INPUTCHARSET", "UTF8", source)
        return target

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert not done.returncode, f"{command} ended with {done.returncode}\n{done.stdout}"
