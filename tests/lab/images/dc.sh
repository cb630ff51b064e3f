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
# The company's CA: a root, and an issuing CA that signs everything else. Their keys leave this machine before it first runs.
cat >ca.cnf <<X
[req]
distinguished_name=name
[name]
[root]
basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
[issuing]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
[dc1]
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=DNS:dc1.corp.test,DNS:corp.test
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
X
# NAME SUBJECT BITS ISSUER DAYS
signed() {
  openssl req -new -config ca.cnf -newkey "rsa:$3" -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$4.crt" -CAkey "$4.key" -CAcreateserial -days "$5" -sha256 -extfile ca.cnf \
    -extensions "${1#company-}" -out "$1.crt"
}
openssl req -x509 -config ca.cnf -extensions root -newkey rsa:3072 -nodes -sha256 -days 7300 \
  -subj "/O=Corp Test/CN=Corp Test Root CA" -keyout company-root.key -out company-root.crt
signed company-issuing "/O=Corp Test/CN=Corp Test Company CA" 3072 company-root 3650
signed dc1 "/CN=dc1.corp.test" 2048 company-issuing 1825
install -d -m 0700 /var/lib/samba/private/tls
install -m 0600 dc1.key /var/lib/samba/private/tls/dc1.key
cat dc1.crt company-issuing.crt >/var/lib/samba/private/tls/dc1.crt
chmod 0644 /var/lib/samba/private/tls/dc1.crt
install -m 0644 company-root.crt /var/lib/samba/private/tls/ca.crt
sed -i '/^\[global\]/a\
\ttls enabled = yes\
\ttls keyfile = /var/lib/samba/private/tls/dc1.key\
\ttls certfile = /var/lib/samba/private/tls/dc1.crt\
\ttls cafile = /var/lib/samba/private/tls/ca.crt' /etc/samba/smb.conf
chmod 0644 /etc/samba/smb.conf

ADMINISTRATOR_PASSWORD=$administrator python3 /mnt/company.py
