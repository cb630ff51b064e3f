# The desktop on top of Wine: the stand-ins for tools that Wine only has the names of, the laboratory's own helpers, the test
# packages. The compilers go again.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends gcc-mingw-w64-x86-64-win32
install -d /usr/local/lib/desktop
for source in labrun labhold; do
  x86_64-w64-mingw32-gcc -municode -O2 -s -Wall -o "/usr/local/lib/desktop/$source.exe" "/srv/desktops/tools/$source.c"
done
apt-get purge -y -qq --auto-remove gcc-mingw-w64-x86-64-win32

cat >/etc/systemd/system/windows.service <<'X'
[Unit]
Description=Windows (Wine)
[Service]
User=windows
RuntimeDirectory=windows
RuntimeDirectoryMode=0755
EnvironmentFile=/etc/wine.env
# Stays until it is stopped, and with it everything that Windows keeps in memory.
ExecStart=/usr/bin/wine /usr/local/lib/desktop/labhold.exe
ExecStartPost=/usr/local/bin/wine-run --quiet exit
ExecStartPost=/usr/bin/touch /run/windows/ready
ExecStop=-/usr/bin/wineserver -k
[Install]
WantedBy=multi-user.target
X
cat >/etc/wine.env <<'X'
WINEPREFIX=/srv/windows/prefix
WINEDEBUG=-all
WINEDLLOVERRIDES=mscoree,mshtml=
LANG=C.UTF-8
X
systemctl enable windows
apt-get clean
rm -rf /var/lib/apt/lists/*
