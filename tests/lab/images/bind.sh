# BIND 9 from Debian's packages; its configuration is written when an instance is made.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends bind9
systemctl enable named
# Drawn by the package; each instance draws its own.
rm -f /etc/bind/rndc.key
apt-get clean
rm -rf /var/lib/apt/lists/*
