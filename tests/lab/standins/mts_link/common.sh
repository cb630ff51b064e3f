# STAND-IN, not the vendor's software: what installer.sh and add_chats_token.sh share. The laboratory puts it, and the wording
# files, into both, so that each is one file as the vendor's. What can be chosen, and what is invented: README.md.
set -u
umask 077
export LC_ALL=C.UTF-8
SETTINGS=/etc/mts-link-standin
TRACE=/var/log/mts-link-standin.log
REP_BOX=https://rep-box.webinar.ru
REGISTRY=https://premise-registry.mts-link.net
LICENCES=https://license-chat.mts-link.ru
HERE=$(dirname "$(readlink -f "$0")")
declare -A W

# NAME [DEFAULT]: the environment (MTS_LINK_STANDIN_NAME), a file of that name, the default
setting() {
  local variable=MTS_LINK_STANDIN_${1^^}
  if [[ -n ${!variable-} ]]; then
    printf %s "${!variable}"
  elif [[ -f $SETTINGS/$1 ]]; then
    cat "$SETTINGS/$1"
  else
    printf %s "${2-}"
  fi
}

load_wording() {
  local key text
  while IFS='=' read -r key text; do
    [[ $key == \#* || -z $key ]] || W[$key]=$text
  done < <(
    "wording_$(setting language en)"
    [[ ! -f $SETTINGS/prompts ]] || cat "$SETTINGS/prompts"
  )
}

# What tests count by: which question was asked, which step began. No answer stands there.
trace() { printf '%(%s)T %s %s %s\n' -1 $$ "${0##*/}" "$1" >>"$TRACE"; }

# KEY [VALUE …]
# shellcheck disable=SC2059  # the wording has the places of the values
text() { printf "${W[$1]}" "${@:2}"; }

say() {
  local line
  line=$(text "$@")
  if [[ -n $(setting colours) ]]; then
    printf '\e[2K\r\e[1;32m%s\e[0m\n' "$line"
  else
    printf '%s\n' "$line"
  fi
}

# KEY [VALUE …]: the end
refuse() {
  trace "refused $1"
  fail "$(text error "$(text "refused_$1" "${@:2}")")"
}

# MESSAGE
fail() {
  if [[ -n $(setting colours) ]]; then printf '\e[1;31m%s\e[0m\n' "$1" >&2; else printf '%s\n' "$1" >&2; fi
  exit "$(setting exit_code 1)"
}

type_out() {
  local pause i
  pause=$(setting typing)
  if [[ -z $pause ]]; then
    printf %s "$1"
    return
  fi
  for ((i = 0; i < ${#1}; i++)); do
    printf %s "${1:i:1}"
    sleep "$pause"
  done
}

# KEY VARIABLE [secret]
ask() {
  local question typed width i wrapped='' space=' '
  question=$(text "ask_$1")
  width=$(setting wrap)
  if [[ -n $width ]]; then
    for ((i = 0; i < ${#question}; i += width)); do wrapped+=${wrapped:+$'\n'}${question:i:width}; done
    question=$wrapped
  fi
  [[ -z $(setting no_space) ]] || space=''
  trace "asked $1"
  [[ -z $(setting colours) ]] || question=$'\e[?25l\e[1;36m'$question$'\e[0m\e[K\e[?25h'
  if [[ ${3-} == secret && -n $(setting silent) && -t 0 ]]; then
    # Before the question: who answers quickly must not see it echoed.
    stty -echo
    type_out "$question$space"
    IFS= read -r typed || refuse input
    stty echo
    echo
  else
    type_out "$question$space"
    IFS= read -r typed || refuse input
  fi
  trace "answered $1"
  printf -v "$2" %s "$typed"
}

# Called for everything that is asked; asks what nobody expects when a test wants it before this question.
unexpected() {
  local answer
  [[ $(setting extra_prompt) == "$1" ]] || return 0
  ask extra answer
  [[ $answer == [yYдД]* ]] || refuse agreement
}

# NAME: a step begins. Here it waits, dies or fails when a test wants it.
step() {
  trace "step $1"
  say "step_$1"
  sleep "$(setting pause 0)"
  while [[ $(setting hang) == "$1" ]]; do sleep 0.1; done
  [[ $(setting crash) != "$1" ]] || kill -KILL $$
  [[ $(setting fail) != "$1" ]] || refuse planted "$1"
}

# URL [login]: NAME=VALUE lines of standard input are posted (or are the login). 0: the answer; 3: status and text of a refusal;
# 4: why nothing answered, in the words of Docker. Nothing of it is in a command line.
http() { python3 -c "$HTTP" "$1" "${2-}" "$(setting timeout 15)"; }
HTTP='
import base64, socket, ssl, sys, urllib.error, urllib.parse, urllib.request
url, login, timeout = sys.argv[1:]
fields = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin if "=" in line)
request = urllib.request.Request(url)
if login:
    pair = base64.b64encode((fields["login"] + ":" + fields["password"]).encode()).decode()
    request.add_header("Authorization", "Basic " + pair)
elif fields:
    request.data = urllib.parse.urlencode(fields).encode()
def stop(code, text):
    sys.stdout.write(text)
    sys.stdout.flush()
    sys.exit(code)
host = urllib.parse.urlsplit(url).hostname
try:
    with urllib.request.urlopen(request, timeout=float(timeout)) as answer:
        sys.stdout.buffer.write(answer.read())
except urllib.error.HTTPError as error:
    if error.code >= 500:
        stop(4, "received unexpected HTTP status: %d %s" % (error.code, error.reason))
    stop(3, "%d %s" % (error.code, error.read().decode(errors="replace").strip()))
except OSError as error:
    why = getattr(error, "reason", error)
    if isinstance(why, socket.gaierror):
        stop(4, "dial tcp: lookup %s: no such host" % host)
    if isinstance(why, ConnectionRefusedError):
        stop(4, "dial tcp: connect: connection refused")
    if isinstance(why, TimeoutError):
        stop(4, "net/http: request canceled (Client.Timeout exceeded while awaiting headers)")
    if isinstance(why, ssl.SSLCertVerificationError):
        stop(4, "tls: failed to verify certificate: x509: " + why.verify_message)
    stop(4, str(why))
except Exception as error:
    stop(4, "EOF (%s)" % type(error).__name__)
'

# HOST STATUS ANSWER: nothing is said when the request went well or was refused; the caller knows what a refusal means.
reached() { (($2 == 0 || $2 == 3)) || refuse unreachable "$1" "$3"; }

is_domain() { [[ $1 =~ ^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*$ ]]; }
companions() { printf '%s\n' "$1" "${1%%.*}-gateway.${1#*.}" "${1%%.*}-storage.${1#*.}"; }
addresses() { getent ahostsv4 "$1" | awk '{print $1}' | sort -u; }

load_wording
((EUID == 0)) || fail "$(text error "$(text refused_root)")"
