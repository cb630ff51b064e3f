# The domain BRANCH.TEST on dc3: a second forest, with nothing in common with CORP.TEST but the network.
set -euo pipefail
umask 077
install -d -m 0700 /var/lib/lab
hostname dc3 2>/dev/null || true
printf '127.0.0.1 localhost\n10.203.0.13 dc3.branch.test dc3\n' >/etc/hosts
administrator=$(printf 'Aa1-%s' "$(head -c 18 /dev/urandom | base64 | tr -d '+/=')")
samba-tool domain provision --use-rfc2307 --realm=BRANCH.TEST --domain=BRANCH --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --host-name=dc3 --host-ip=10.203.0.13 --adminpass="$administrator" --option="interfaces=lo host0" --option="bind interfaces only=yes"
samba-tool domain passwordsettings set --max-pwd-age=0 --min-pwd-age=0 >/dev/null
cp /var/lib/samba/private/krb5.conf /etc/krb5.conf
chmod 0644 /etc/krb5.conf /etc/hosts
sed -i '/^\[global\]/a\
\ttls enabled = yes\
\ttls keyfile = /var/lib/samba/private/tls/dc3.key\
\ttls certfile = /var/lib/samba/private/tls/dc3.crt\
\ttls cafile = /var/lib/samba/private/tls/ca.crt' /etc/samba/smb.conf
chmod 0644 /etc/samba/smb.conf
install -d -m 0700 /var/lib/samba/private/tls
printf '%s' "$administrator" >/var/lib/lab/administrator
