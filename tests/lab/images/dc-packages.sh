# Samba as an Active Directory domain controller, from Debian's packages; also the company's time server.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends samba-ad-dc samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind krb5-user ldb-tools python3-samba chrony
systemctl disable smbd nmbd winbind
systemctl mask smbd nmbd winbind
systemctl unmask samba-ad-dc
systemctl enable samba-ad-dc chrony
install -d /etc/systemd/system/chrony.service.d
printf '[Unit]\nConditionCapability=\n' >/etc/systemd/system/chrony.service.d/container.conf
printf 'DAEMON_OPTS="-F 1 -x"\n' >/etc/default/chrony
printf 'local stratum 8\nallow 10.203.0.0/24\n' >/etc/chrony/conf.d/company.conf
rm -f /etc/samba/smb.conf
apt-get clean
rm -rf /var/lib/apt/lists/*
