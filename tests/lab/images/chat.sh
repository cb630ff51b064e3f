# The chat host before any role ran: sshd and an administrator with sudo.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends openssh-server sudo
useradd --create-home --shell /bin/bash deploy
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
chmod 0440 /etc/sudoers.d/deploy
install -d -o deploy -g deploy -m 0700 /home/deploy/.ssh
echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/lab.conf
# A container may not set the machine's clock (no CAP_SYS_TIME): chronyd serves and measures, but steers nothing (-x),
# and its unit must start all the same.
install -d /etc/systemd/system/chrony.service.d
printf '[Unit]\nConditionCapability=\n' >/etc/systemd/system/chrony.service.d/container.conf
printf 'DAEMON_OPTS="-F 1 -x"\n' >/etc/default/chrony
# Half of what a task of Ansible's costs here is compiling the same files again: see this file.
install -m 0644 /mnt/keep_bytecode.py /usr/local/lib/python3.11/dist-packages/
echo 'import keep_bytecode' >/usr/local/lib/python3.11/dist-packages/keep_bytecode.pth
python3 -m compileall -q /usr/local/lib/python3.11/dist-packages
apt-get clean
rm -rf /var/lib/apt/lists/*
