# Pebble (an ACME server for tests) with its challenge test server, and a forwarding resolver, from Debian's packages;
# their configuration is written when an instance is made.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends pebble dnsmasq
useradd --system --no-create-home --shell /usr/sbin/nologin pebble
apt-get clean
rm -rf /var/lib/apt/lists/*
