# Test packages, written into the folder that is given: what installers of chat clients are made of, with nothing in them.
# `packages` on a controller does the same: it needs wixl and nsis of Debian.
set -euo pipefail
out=$1
cd "$(dirname "${BASH_SOURCE[0]}")"

# FILE VERSION PRODUCT-CODE-END NAME UPGRADE-CODE-END SCOPE ARCHITECTURE EXTRA
msi() {
  local file=$1 version=$2 product=$3 name=$4 upgrade=$5 scope=$6 arch=$7 extra=${8:-}
  local folder=ProgramFiles64Folder win64=yes root=HKLM
  [ "$arch" = x64 ] || { folder=ProgramFilesFolder win64=no; }
  [ "$scope" = perMachine ] || { folder=LocalAppDataFolder root=HKCU; }
  sed -e "s/@version@/$version/g" -e "s/@product@/$product/g" -e "s/@name@/$name/g" -e "s/@upgrade@/$upgrade/g" -e "s/@scope@/$scope/g" \
    -e "s/@folder@/$folder/g" -e "s/@win64@/$win64/g" -e "s/@root@/$root/g" -e "s|@extra@|$extra|g" package.wxs >"$out/$file.wxs"
  printf '%s %s\r\n' "$name" "$version" >"$out/readme.txt"
  (cd "$out" && wixl -a "$arch" -o "$file.msi" "$file.wxs" && rm "$file.wxs" readme.txt)
}

msi corptalk-1.0.0 1.0.0 000000000100 'Corp Talk' 0000000000ff perMachine x64
msi corptalk-1.1.0 1.1.0 000000000110 'Corp Talk' 0000000000ff perMachine x64
msi corptalk-32-1.0.0 1.0.0 000000003200 'Corp Talk 32' 0000000032ff perMachine x86
msi corptalk-user-1.0.0 1.0.0 000000005100 'Corp Talk Mine' 0000000051ff perUser x64
msi corptalk-reboot-1.0.0 1.0.0 000000003010 'Corp Talk Reboot' 0000000030ff perMachine x64 \
  '<InstallExecuteSequence><ScheduleReboot After="InstallFinalize"/></InstallExecuteSequence>'
msi corptalk-fails-1.0.0 1.0.0 000000001603 'Corp Talk Fails' 0000000016ff perMachine x64 \
  '<Condition Message="This package never installs.">NEVER</Condition>'

# FILE TARGET VERSION
nsis() {
  makensis -V1 -INPUTCHARSET UTF8 -X"Target $2" -DVERSION="$3" -DOUT="$out/$1.exe" ${4:+-D$4} package.nsi
}

nsis corpvoice-64-1.0.0 amd64-unicode 1.0.0 MACHINE
nsis corpvoice-32-1.0.0 x86-unicode 1.0.0 MACHINE
nsis corpvoice-32-1.1.0 x86-unicode 1.1.0 MACHINE
nsis corpvoice-user-1.0.0 x86-unicode 1.0.0 PERUSER
nsis corpvoice-user-64-1.0.0 amd64-unicode 1.0.0 PERUSER
nsis corpvoice-hangs-1.0.0 x86-unicode 1.0.0 HANGS
