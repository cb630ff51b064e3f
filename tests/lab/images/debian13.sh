# A minimal Debian 13 with systemd: what carries the Windows desktops, which no person ever sees.
. /mnt/debian.sh
