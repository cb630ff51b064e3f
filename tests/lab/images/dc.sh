# The domain CORP.TEST on dc1, its LDAPS certificate from the company's CA, and the company's people.
set -euo pipefail
umask 077
install -d -m 0700 /var/lib/lab
hostname dc1 2>/dev/null || true
printf '127.0.0.1 localhost\n10.203.0.10 dc1.corp.test dc1\n' >/etc/hosts

# Printable, no shell or LDAP special characters, and of all the classes that the domain's complexity rule wants.
random() { printf 'Aa1-%s' "$(head -c 18 /dev/urandom | base64 | tr -d '+/=')"; }
administrator=$(random)

samba-tool domain provision --use-rfc2307 --realm=CORP.TEST --domain=CORP --server-role=dc --dns-backend=SAMBA_INTERNAL \
  --host-name=dc1 --host-ip=10.203.0.10 --adminpass="$administrator" --option="interfaces=lo host0" --option="bind interfaces only=yes"
samba-tool domain passwordsettings set --max-pwd-age=0 --min-pwd-age=0 >/dev/null
cp /var/lib/samba/private/krb5.conf /etc/krb5.conf
chmod 0644 /etc/krb5.conf /etc/hosts

cd /var/lib/lab
openssl req -x509 -newkey rsa:3072 -nodes -days 3650 -subj "/O=Corp Test/CN=Corp Test Company CA" \
  -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" \
  -keyout company-ca.key -out company-ca.crt
openssl req -new -newkey rsa:2048 -nodes -subj "/CN=dc1.corp.test" -keyout dc1.key -out dc1.csr
cat >dc1.ext <<X
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:dc1.corp.test,DNS:corp.test
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
X
openssl x509 -req -in dc1.csr -CA company-ca.crt -CAkey company-ca.key -CAcreateserial -days 3650 -sha256 -extfile dc1.ext -out dc1.crt
install -d -m 0700 /var/lib/samba/private/tls
install -m 0600 dc1.key /var/lib/samba/private/tls/dc1.key
install -m 0644 dc1.crt /var/lib/samba/private/tls/dc1.crt
install -m 0644 company-ca.crt /var/lib/samba/private/tls/ca.crt
sed -i '/^\[global\]/a\
\ttls enabled = yes\
\ttls keyfile = /var/lib/samba/private/tls/dc1.key\
\ttls certfile = /var/lib/samba/private/tls/dc1.crt\
\ttls cafile = /var/lib/samba/private/tls/ca.crt' /etc/samba/smb.conf
chmod 0644 /etc/samba/smb.conf

ADMINISTRATOR_PASSWORD=$administrator python3 /mnt/company.py
