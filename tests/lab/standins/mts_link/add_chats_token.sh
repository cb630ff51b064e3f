#!/usr/bin/env bash
# STAND-IN, not the vendor's software: what the manual says of /opt/webinar/scripts/add_chats_token.sh on the Meetings server.
# @common@
LINKS=/opt/webinar/chats
ATTEMPTS=$(setting attempts 1)

main() {
  local domain token problem attempt answer code
  for ((attempt = 1; ; attempt++)); do
    unexpected domain
    ask domain domain
    unexpected token
    ask token token secret
    problem=$(problem_of) && break
    code=$?
    ((code == 2)) && refuse unreachable "${REP_BOX#*//}" "$problem"
    ((attempt < ATTEMPTS)) || fail "$(text error "$problem")"
    say wrong "$problem"
  done
  # A token that is there; another one takes its place.
  if [[ -f $LINKS/$domain.token && $(<"$LINKS/$domain.token") == "$token" ]]; then
    case $(setting again refuse) in
      refuse) refuse token_again "$domain" ;;
      idempotent)
        say out_token_added "$domain"
        return
        ;;
    esac
  fi
  step check_token
  # Table 3: Meetings reaches Chats at port 443.
  timeout 5 bash -c ': 3<>"/dev/tcp/$0/443"' "$domain" 2>/dev/null || refuse no_answer "$domain"
  step store
  printf '%s\n' "$token" >"$LINKS/$domain.token"
  trace "token added"
  say out_token_added "$domain"
}

# Fails with a text when the answers do not fit (1) or nobody could be asked (2).
problem_of() {
  is_domain "$domain" || { text refused_domain "$domain"; return 1; }
  [[ -f $LINKS/$domain.conf ]] || { text refused_not_linked "$domain"; return 1; }
  answer=$(printf 'domain=%s\ntoken=%s\n' "$domain" "$token" | http "$REP_BOX/standin/token")
  case $? in
    0) return 0 ;;
    3) [[ $answer == *another* ]] && text refused_token_domain || text refused_token ;;
    *) printf %s "$answer"; return 2 ;;
  esac
  return 1
}

main "$@"
