# A minimal Debian 12 with systemd: what a hoster hands over, less the kernel.
set -euo pipefail
systemctl enable systemd-networkd
systemctl mask systemd-resolved systemd-logind console-getty getty.target systemd-networkd-wait-online systemd-firstboot apt-daily.timer apt-daily-upgrade.timer
rm -f /etc/resolv.conf /etc/machine-id /var/lib/dbus/machine-id
touch /etc/machine-id
# A stalled answer ends in an error and another try, instead of a run that never ends; pipelined requests are what stalls.
cat >/etc/apt/apt.conf.d/20lab <<X
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::http::Pipeline-Depth "0";
X
apt-get clean
rm -rf /var/lib/apt/lists/*
