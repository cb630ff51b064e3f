# Wine 10 for 64- and 32-bit programs, and a prefix: what a Windows desktop is made of. Also Samba, for its C$.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
dpkg --add-architecture i386
# Neither documentation nor translations: they are a quarter of it.
printf 'path-exclude=/usr/share/doc/*\npath-exclude=/usr/share/man/*\npath-exclude=/usr/share/locale/*\n' >/etc/dpkg/dpkg.cfg.d/lab
# Packages of two architectures must be of one version: the release alone is always consistent, also behind a cache.
sed -i '/ trixie main$/!d' /etc/apt/sources.list
apt-get update -qq
apt-get install -y -qq --no-install-recommends wine wine64 wine32:i386 \
  samba smbclient winbind libnss-winbind krb5-user chrony python3-pyspnego python3-gssapi curl
systemctl mask samba-ad-dc nmbd
systemctl disable smbd winbind
useradd --create-home --home-dir /srv/windows --shell /bin/bash windows
cat >/etc/profile.d/wine.sh <<'X'
export WINEPREFIX=/srv/windows/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml=" DISPLAY=
X
# Without the wait, its registry is lost.
su - windows -c '. /etc/profile.d/wine.sh; wineboot -i; wineserver -w'
# The prefix has a copy of every library of Wine's: half of 3 GB.
hardlink -q -p -o -t /usr/lib/*/wine /srv/windows/prefix
apt-get clean
rm -rf /var/lib/apt/lists/*
