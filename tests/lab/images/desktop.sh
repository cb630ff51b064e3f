# The desktop on top of Wine: the stand-ins for tools that Wine only has the names of, the laboratory's own helpers, the test
# packages, a profile for those who will come. The compilers go again.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends gcc-mingw-w64-x86-64-win32 wixl nsis
install -d /usr/local/lib/desktop /srv/packages
cd /srv/desktops/tools
# NAME TARGET FURTHER SOURCES …
build() {
  local name=$1 target=$2
  shift 2
  x86_64-w64-mingw32-gcc -municode -O2 -s -Wall -o "$target" "$name.c" "$@" -lntdll -lbcrypt -lcrypt32 -lwinhttp -lws2_32 -lmsi -ladvapi32
}
own=/usr/local/lib/desktop
build labrun $own/labrun.exe
build labhold $own/labhold.exe
build ../logon/lablogon $own/lablogon.exe task.c users.c hives.c common.c
build ../endpoint/launcher $own/launcher.exe
windows=/srv/windows/prefix/drive_c/windows
build labmutex $windows/labmutex.exe common.c
install -o windows -g windows $own/labrun.exe $own/launcher.exe $windows
for tool in certutil findstr more timeout sc where tar; do build "$tool" "$own/$tool.exe" common.c; done
build curl $own/curl.exe curl_options.c common.c
build query $own/query.exe users.c common.c
build schtasks $own/schtasks.exe task.c users.c common.c
build reg $own/reg.exe hives.c common.c
build msiexec $own/msiexec.exe common.c
mv $own/more.exe $own/more.com
cp $own/query.exe $own/quser.exe

# 32-bit programs find the same ones: only reg and msiexec go on to Wine's own, which there is of both kinds. As Wine's own they are
# known by a mark in the file; under another name they are not found without it.
for folder in system32 syswow64; do
  for tool in reg msiexec; do
    sed 's/Wine builtin DLL/Wine elsewhere--/' "$windows/$folder/$tool.exe" >"$windows/$folder/wine-$tool.exe"
  done
  cp "$windows/$folder/wine-reg.exe" "$windows/$folder/wine-reg-import.exe"
  # What these write is in the OEM code page, whatever the console's is: with this they take UTF-8 for it.
  for tool in cmd wine-reg tasklist taskkill whoami xcopy wmic; do
    install -m 0644 utf8.manifest "$windows/$folder/$tool.exe.manifest"
  done
  for tool in certutil.exe findstr.exe more.com timeout.exe sc.exe where.exe tar.exe curl.exe query.exe quser.exe schtasks.exe reg.exe msiexec.exe; do
    rm -f "$windows/$folder/$tool"
    install -o windows -g windows -m 0755 "$own/$tool" "$windows/$folder/$tool"
  done
done
install -d "$windows/system32/Tasks"
chown windows: "$windows/system32/Tasks" "$windows"/*/wine-*.exe
bash /srv/desktops/packages/build.sh /srv/packages
apt-get purge -y -qq --auto-remove gcc-mingw-w64-x86-64-win32 wixl nsis

install -m 0755 <(echo '#!/usr/bin/env python3' && cat /srv/desktops/wine_run.py) /usr/local/bin/wine-run
install -m 0755 <(echo '#!/usr/bin/env python3' && cat /srv/desktops/logon/logon.py) /usr/local/bin/logon
ln -s logon /usr/local/bin/logoff
install -m 0644 /srv/desktops/windows.service /srv/desktops/endpoint/endpoint.service /etc/systemd/system
install -m 0644 /srv/desktops/wine.env /etc/wine.env
# pyspnego wants it for clients with a password; Debian has it not, and a server needs it not.
touch /usr/local/lib/python3.13/dist-packages/krb5.py
# Nobody is logged on until somebody is: what Wine writes there at its start, its own account keeps elsewhere.
printf 'reg delete "HKCU\\Volatile Environment" /f >nul\r\nreg import C:\\windows\\laboratory.reg\r\n' >$windows/laboratory.cmd
sed 's/$/\r/' /srv/desktops/laboratory.reg >$windows/laboratory.reg
systemctl enable windows
# Once as it will run, so that what the first start writes is written: the profile of those who will come among it. What the desktop
# is shown on (nothing) is read when the first program starts: later it is too late, and no dialog would wait.
su - windows -c 'set -a; eval "$(sed -E "s,^([A-Z]+)=(.*),\1=\x27\2\x27," /etc/wine.env)"; wine reg import C:\\windows\\laboratory.reg
  wine /usr/local/lib/desktop/lablogon.exe default
  wineserver -w'
test -s /srv/windows/prefix/drive_c/users/Default/NTUSER.DAT
apt-get clean
rm -rf /var/lib/apt/lists/*
