; A test package for NSIS: it writes a line into a file whenever it is started, and its program can be in use.
; PROGRAM: makes that program, which runs for ten minutes and shows nothing.
Unicode true
!define RUNS "corpvoice-runs.exe"
OutFile "${OUT}"
!ifdef PROGRAM
  Name "${RUNS}"
  RequestExecutionLevel user
  SilentInstall silent
  Section
    Sleep 600000
  SectionEnd
!else
  !define NAME "Corp Voice Count"
  !define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${NAME}"
  Name "${NAME}"
  InstallDir "$PROGRAMFILES64\${NAME}"
  RequestExecutionLevel admin
  AllowSkipFiles off
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
    CreateDirectory "$PROGRAMFILES64\onprem.chat test"
    FileOpen $0 "$PROGRAMFILES64\onprem.chat test\starts.txt" a
    FileSeek $0 0 END
    FileWrite $0 "${VERSION}$\r$\n"
    FileClose $0
  FunctionEnd

  Section
    SetOutPath "$INSTDIR"
    File "/oname=${RUNS}" "${FOLDER}/${RUNS}"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKLM "${KEY}" DisplayName "${NAME}"
    WriteRegStr HKLM "${KEY}" DisplayVersion "${VERSION}"
    WriteRegStr HKLM "${KEY}" Publisher "onprem.chat laboratory"
    WriteRegStr HKLM "${KEY}" InstallLocation "$INSTDIR"
    WriteRegStr HKLM "${KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKLM "${KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  SectionEnd

  Section Uninstall
    Delete "$INSTDIR\${RUNS}"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR"
    DeleteRegKey HKLM "${KEY}"
  SectionEnd
!endif
