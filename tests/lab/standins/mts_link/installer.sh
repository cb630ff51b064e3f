#!/usr/bin/env bash
# STAND-IN, not the vendor's software: behaves as the manual of MTS Link on-premise (Chats) 1.3 says an installation goes.
# @common@
DIRECTORY=/opt/mts-link-chats
UNIT=mts-link-chats-standin
LINKS=/opt/webinar/chats
ATTEMPTS=$(setting attempts 1)

main() {
  case ${1-} in
    '') chats ;;
    --cfglink) cfglink ;;
    *) refuse usage "$1" ;;
  esac
}

# On the Meetings server: the chat domain's settings, Client ID and Client secret.
cfglink() {
  local domain problem pair id secret attempt
  [[ -d /opt/webinar ]] || refuse meetings
  for ((attempt = 1; ; attempt++)); do
    unexpected domain
    ask domain domain
    problem=$(domain_problem "$domain") && break
    ((attempt < ATTEMPTS)) || fail "$(text error "$problem")"
    say wrong "$problem"
  done
  install -d -m 0700 "$LINKS"
  if [[ -f $LINKS/$domain.conf ]]; then
    case $(setting again refuse) in
      refuse) refuse again "$domain" ;;
      idempotent)
        show_pair "$(sed -n 's/^client_id=//p' "$LINKS/$domain.conf")" "$(sed -n 's/^client_secret=//p' "$LINKS/$domain.conf")"
        say out_cfglink_done "$domain"
        return
        ;;
    esac
  fi
  step generate
  pair=$(printf 'domain=%s\n' "$domain" | http "$REP_BOX/standin/issue")
  reached "${REP_BOX#*//}" $? "$pair"
  read -r id secret <<<"$pair"
  step hosts
  companions "$domain" >"$LINKS/$domain.hosts"
  show_pair "$id" "$secret"
  say out_keep
  step finish
  printf 'client_id=%s\nclient_secret=%s\n' "$id" "$secret" >"$LINKS/$domain.conf"
  say out_cfglink_done "$domain"
}

show_pair() {
  say out_client_id "$1"
  say out_client_secret "$2"
}

# Fails with a text when it may not be the chat domain.
domain_problem() {
  local meetings name
  is_domain "$1" || { text refused_domain "$1"; return 1; }
  meetings=$(cat /opt/webinar/domain 2>/dev/null)
  [[ -z $meetings || ${1#*.} == "${meetings#*.}" ]] || { text refused_other_domain "$1" "$meetings"; return 1; }
  # "It is assumed that these hosts were set up earlier."
  for name in $(companions "$1"); do
    [[ -n $(addresses "$name") ]] || { text refused_unknown_name "$name"; return 1; }
  done
}

# On the Chats server.
chats() {
  local licence_key client_id client_secret number
  if [[ -f $DIRECTORY/installed ]]; then
    case $(setting again refuse) in
      refuse) refuse again "$(cat "$DIRECTORY/installed")" ;;
      idempotent)
        say out_token "$(cat "$DIRECTORY/token")"
        say out_installed "$(cat "$DIRECTORY/installed")"
        return
        ;;
    esac
  fi
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  step checks
  certificate
  names
  licence_file
  ask_licence
  ask_client
  clean
  step registry
  registry_login
  step pull
  pull
  step configure
  configure
  step start
  start
  step finish
  finish
}

certificate() {
  local certs=$HERE/certs crt stem file files count i
  [[ -d $certs ]] || refuse no_certs "$certs"
  shopt -s nullglob
  files=("$certs"/*.crt)
  ((${#files[@]})) || refuse no_certificate "$certs"
  ((${#files[@]} == 1)) || refuse several "$certs"
  crt=${files[0]} stem=$(basename "${files[0]}" .crt)
  awk -v folder="$WORK" '/-----BEGIN CERTIFICATE-----/ { n++ } n { print > sprintf("%s/%03d.pem", folder, n) }' "$crt"
  files=("$WORK"/*.pem) count=${#files[@]}
  ((count)) || refuse unreadable "$crt"
  for file in "${files[@]}"; do
    openssl x509 -noout -in "$file" 2>/dev/null || refuse unreadable "$crt"
  done
  # The order: leaf, intermediate, root.
  openssl x509 -noout -ext basicConstraints -in "${files[0]}" 2>/dev/null | grep -q CA:TRUE && refuse order "$crt"
  for ((i = 0; i + 1 < count; i++)); do
    openssl verify -no_check_time -partial_chain -trusted "${files[i + 1]}" "${files[i]}" >/dev/null 2>&1 || refuse order "$crt"
  done
  [[ $(openssl x509 -noout -subject_hash -in "${files[count - 1]}") == $(openssl x509 -noout -issuer_hash -in "${files[count - 1]}") ]] \
    || refuse root_missing "$crt"
  for file in "${files[@]}"; do
    openssl verify -partial_chain -trusted "$file" "$file" >/dev/null 2>&1 || refuse dates "$crt"
  done
  DOMAIN=$(named_after "$stem" "${files[0]}") || refuse file_name "$(basename "$crt")"
  CRT=$crt KEY=${crt%.crt}.key
  [[ -f $KEY ]] || refuse no_key "$KEY"
  [[ $(openssl pkey -pubout -in "$KEY" 2>/dev/null </dev/null) == "$(openssl x509 -noout -pubkey -in "${files[0]}")" ]] \
    || refuse key "$KEY"
}

# STEM CERTIFICATE: the name of the certificate that the file's name includes.
named_after() {
  local name
  for name in $(openssl x509 -noout -ext subjectAltName -in "$2" 2>/dev/null | tr ', ' '\n\n' | sed -n 's/^DNS://p'); do
    if [[ $name == \*.* && $1 == *.* && ${1#*.} == "${name#*.}" ]]; then
      printf %s "$1"
      return
    elif [[ $1 == *"$name"* ]]; then
      printf %s "$name"
      return
    fi
  done
  return 1
}

names() {
  local name address mine
  ! grep -Eq '^[[:space:]]*(domain|search)[[:space:]]' /etc/resolv.conf || refuse resolv
  mine=$(ip -o -4 address show scope global | awk '{sub("/.*", "", $4); print $4}')
  for name in $(companions "$DOMAIN"); do
    ! awk -v name="$name" '{ sub("#.*", "") } $1 ~ /^127\./ { for (i = 2; i <= NF; i++) if ($i == name) found = 1 } END { exit !found }' /etc/hosts \
      || refuse loopback "$name"
    address=$(addresses "$name")
    [[ -n $address ]] || refuse unknown_name "$name"
    while read -r address; do
      grep -Fqx "$address" <<<"$mine" || refuse address "$name" "$address"
    done <<<"$address"
  done
}

# Its name and format are not documented: the stand-in's own begins with this line.
licence_file() {
  local file
  for file in "$HERE"/*; do
    if [[ -f $file ]] && IFS= read -r number <"$file" && [[ $number == MTS-LINK-STANDIN-LICENCE ]]; then
      number=$(sed -n 's/^number=//p' "$file")
      return
    fi
  done
  refuse no_licence "$HERE"
}

ask_licence() {
  local answer code attempt
  for ((attempt = 1; ; attempt++)); do
    unexpected licence_key
    ask licence_key licence_key secret
    ((attempt > 1)) || step licence
    answer=$(printf 'number=%s\nkey=%s\n' "$number" "$licence_key" | http "$LICENCES/standin/licence")
    code=$?
    reached "${LICENCES#*//}" $code "$answer"
    ((code)) || return
    ((attempt < ATTEMPTS)) || refuse licence
    say wrong "$(text refused_licence)"
  done
}

ask_client() {
  local answer code attempt problem
  for ((attempt = 1; ; attempt++)); do
    unexpected client_id
    ask client_id client_id
    unexpected client_secret
    ask client_secret client_secret secret
    unexpected end
    answer=$(printf 'domain=%s\nid=%s\nsecret=%s\n' "$DOMAIN" "$client_id" "$client_secret" | http "$LICENCES/standin/client")
    code=$?
    reached "${LICENCES#*//}" $code "$answer"
    ((code)) || return
    problem=client
    [[ $answer != *another* ]] || problem=client_domain
    ((attempt < ATTEMPTS)) || refuse $problem
    say wrong "$(text refused_$problem)"
  done
}

# What a run left that did not come to its end.
clean() {
  if [[ -f $DIRECTORY/installing || -f $DIRECTORY/installed ]]; then
    [[ -f $DIRECTORY/installed ]] || say out_cleaning
    systemctl disable --now $UNIT.service >/dev/null 2>&1
    find "$DIRECTORY" -mindepth 1 -delete
  fi
  install -d -m 0700 "$DIRECTORY"
  printf '%s\n' "$DOMAIN" >"$DIRECTORY/installing" || refuse write "$DIRECTORY" "No space left on device"
}

registry_login() {
  local answer code
  answer=$(printf 'login=%s\npassword=%s\n' "$number" "$licence_key" | http "$REGISTRY/" login)
  code=$?
  ((code)) || return
  ((code == 3)) && answer='unauthorized: Incorrect login or password'
  trace 'refused registry'
  answer="Error response from daemon: Get \"$REGISTRY/\": $answer"
  # As the manual prints it, in three lines.
  [[ -z $(setting error_wrap) ]] || answer=$(sed 's/: unauthorized: /:\nunauthorized:\n/' <<<"$answer")
  fail "$answer"
}

# Much output, as a registry's client writes it: one line that is written again and again.
pull() {
  local layer part size answer code lines
  size=$(setting image_kib 1024)
  install -d -m 0700 "$DIRECTORY/images"
  for layer in 4f4fb700ef54 a2abf6c4d29d 8d0e1f2a7c33 c1f6d2b58e90; do
    http "$REGISTRY/v2/chats/blobs/$layer?kib=$size" </dev/null >"$WORK/blob"
    code=$?
    answer=$(head -c 200 "$WORK/blob" | tr -d '\0')
    ((code == 0)) || fail "Error response from daemon: Get \"$REGISTRY/v2/chats/blobs/$layer\": $answer"
    lines=$(setting progress_lines 10)
    for ((part = 1; part <= lines; part++)); do
      printf '\r\e[2K\e[33m%s\e[0m: Downloading [%-50s] %d/%d kB' "$layer" "$(printf '=%.0s' $(seq $((50 * part / lines))))" $((size * part / lines)) "$size"
    done
    cp "$WORK/blob" "$DIRECTORY/images/$layer" 2>"$WORK/why" || {
      echo
      trace 'refused disk'
      fail "failed to register layer: write $DIRECTORY/images/$layer: $(sed 's/.*: //' "$WORK/why" | tr 'N' 'n')"
    }
    printf '\r\e[2K\e[32m%s\e[0m: Pull complete\n' "$layer"
  done
  answer=$(http "$REGISTRY/v2/chats/service.py" </dev/null) || fail "Error response from daemon: Get \"$REGISTRY/v2/chats/service.py\": $answer"
  printf '%s\n' "$answer" >"$DIRECTORY/service.py" || refuse write "$DIRECTORY" "No space left on device"
}

configure() {
  # A disk that becomes full in this step: only a file system of its own is filled, never that of the machine.
  if [[ $(setting disk_full) == configure ]] && mountpoint -q "$DIRECTORY"; then
    cat /dev/zero >"$DIRECTORY/filler" 2>/dev/null
  fi
  install -d -m 0700 "$DIRECTORY/certs"
  if ! { cat "$CRT" >"$DIRECTORY/certs/chats.crt" && cat "$KEY" >"$DIRECTORY/certs/chats.key" \
    && printf 'domain=%s\nclient_id=%s\nclient_secret=%s\n' "$DOMAIN" "$client_id" "$client_secret" >"$DIRECTORY/chats.conf"; } 2>/dev/null; then
    refuse write "$DIRECTORY" "No space left on device"
  fi
}

start() {
  local port attempt
  for port in 80 443; do
    [[ -z $(ss -Hltn "sport = :$port") ]] || fail "Error response from daemon: driver failed programming external connectivity on endpoint mts-link-chats: Bind for 0.0.0.0:$port failed: port is already allocated"
  done
  cat >/etc/systemd/system/$UNIT.service <<X
[Unit]
Description=STAND-IN for MTS Link on-premise (Chats)
After=network.target
[Service]
ExecStart=/usr/bin/python3 $DIRECTORY/service.py $DIRECTORY/certs/chats.crt $DIRECTORY/certs/chats.key
Restart=on-failure
[Install]
WantedBy=multi-user.target
X
  chmod 0644 /etc/systemd/system/$UNIT.service
  systemctl daemon-reload
  systemctl enable --now $UNIT.service >/dev/null 2>&1
  for ((attempt = 0; attempt < 100; attempt++)); do
    [[ -z $(ss -Hltn "sport = :443") ]] || return
    sleep 0.1
  done
  refuse service
}

finish() {
  local token
  token=$(printf 'domain=%s\nid=%s\n' "$DOMAIN" "$client_id" | http "$LICENCES/standin/token")
  reached "${LICENCES#*//}" $? "$token"
  printf '%s\n' "$token" >"$DIRECTORY/token" || refuse write "$DIRECTORY" "No space left on device"
  say out_token "$token"
  say out_installed "$DOMAIN"
  # Last: what was killed before is cleaned and done again.
  mv "$DIRECTORY/installing" "$DIRECTORY/installed"
  trace installed
}

main "$@"
