# Knot DNS from Debian's packages; its configuration is written when an instance is made.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends knot
systemctl enable knot
apt-get clean
rm -rf /var/lib/apt/lists/*
