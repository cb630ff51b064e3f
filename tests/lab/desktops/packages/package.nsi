; A test package for NSIS: /S installs silently, /CODE=N ends with that exit code, uninstall.exe /S takes it away again.
; MACHINE: for everybody; PERUSER: for who runs it; HANGS: a dialog that no switch keeps away.
Unicode true
!include FileFunc.nsh
!ifdef PERUSER
  !define ROOT HKCU
  !define NAME "Corp Voice Mine"
  RequestExecutionLevel user
  InstallDir "$LOCALAPPDATA\Programs\${NAME}"
!else
  !define ROOT HKLM
  !define NAME "Corp Voice"
  RequestExecutionLevel admin
  InstallDir "$PROGRAMFILES\${NAME}"
!endif
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
Name "${NAME}"
OutFile "${OUT}"
SilentInstall normal
VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName "${NAME}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileVersion "${VERSION}.0"
VIAddVersionKey FileDescription "${NAME}"
VIAddVersionKey CompanyName "onprem.chat laboratory"
VIAddVersionKey LegalCopyright "GPL-3.0-or-later"
Page instfiles
UninstPage instfiles

Function .onInit
  !ifdef HANGS
    MessageBox MB_OK "Nobody presses this button."
  !endif
  !if "${NSIS_PTR_SIZE}" > 4
    SetRegView 64
    !ifndef PERUSER
      StrCpy $INSTDIR "$PROGRAMFILES64\${NAME}"
    !endif
  !endif
FunctionEnd

Function un.onInit
  !if "${NSIS_PTR_SIZE}" > 4
    SetRegView 64
  !endif
FunctionEnd

Section
  SetOutPath "$INSTDIR"
  FileOpen $0 "$INSTDIR\version.txt" w
  FileWrite $0 "${VERSION}$\r$\n"
  FileClose $0
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr ${ROOT} "${KEY}" DisplayName "${NAME}"
  WriteRegStr ${ROOT} "${KEY}" DisplayVersion "${VERSION}"
  WriteRegStr ${ROOT} "${KEY}" Publisher "onprem.chat laboratory"
  WriteRegStr ${ROOT} "${KEY}" InstallLocation "$INSTDIR"
  WriteRegStr ${ROOT} "${KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr ${ROOT} "${KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  ${GetParameters} $1
  ${GetOptions} $1 "/CODE=" $2
  IfErrors +2
  SetErrorLevel $2
SectionEnd

Section Uninstall
  Delete "$INSTDIR\version.txt"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  DeleteRegKey ${ROOT} "${KEY}"
SectionEnd
