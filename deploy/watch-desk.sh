#!/bin/sh
# Asks a desk whether it is well, from outside, and runs a command of yours when it is not. For cron; needs curl.
# docs/watching.md says how to set it up. Exit: 0 well, 1 not well, 2 wrong use.
#
#   watch-desk.sh URL STATE_FILE COMMAND [ARGUMENT...]
#
# COMMAND is run once after FAILURES_MAX failures in a row, and once more when the desk is well again. It finds in its
# environment: DESK_STATE (silent or well), DESK_URL, DESK_REASON, DESK_SINCE (UTC).
set -u
umask 077

FAILURES_MAX=${FAILURES_MAX:-3}       # failures in a row before anybody is woken
SECONDS_MAX=${SECONDS_MAX:-10}        # how long one question may take

if [ $# -lt 3 ]; then
  echo "use: watch-desk.sh URL STATE_FILE COMMAND [ARGUMENT...]" >&2
  exit 2
fi
url=${1%/} state=$2
shift 2

# The state: failures in a row, whether somebody was told (yes or no), since when (UTC).
failures=0 told=no since=
if [ -r "$state" ]; then
  read -r failures told since <"$state" || :
fi
case $failures in '' | *[!0-9]*) failures=0 told=no since= ;; esac

keep() { # written beside and moved, so that a crash leaves the old state or the new one
  printf '%s %s %s\n' "$failures" "$told" "$since" >"$state.new" && mv "$state.new" "$state"
}

answer=$(curl --silent --show-error --max-time "$SECONDS_MAX" --output /dev/null --write-out '%{http_code}' "$url/health" 2>&1)
case $answer in
  200) reason=well ;;
  [1-5][0-9][0-9]) reason="HTTP $answer" ;;
  *) reason=$(printf '%s' "$answer" | tr '\n' ' ' | cut -c 1-200) ;;
esac

if [ "$reason" = well ]; then
  if [ "$told" = yes ]; then
    DESK_STATE=well DESK_URL=$url DESK_REASON=$reason DESK_SINCE=$since "$@" || { echo "could not tell: $*" >&2; exit 1; }
  fi
  failures=0 told=no since=
  keep || exit 2
  exit 0
fi

[ -n "$since" ] || since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
failures=$((failures + 1))
if [ "$failures" -ge "$FAILURES_MAX" ] && [ "$told" != yes ]; then
  if DESK_STATE=silent DESK_URL=$url DESK_REASON=$reason DESK_SINCE=$since "$@"; then
    told=yes
  else
    echo "could not tell: $*" >&2 # and it is tried again at the next run
  fi
fi
keep || exit 2
exit 1
