#!/usr/bin/env bash
# Installs the Debian packages that the interop tests talk to, as far as this machine lets it.
#
#   install-peers.sh [package ...]     without names: all that `npm test` can use
#
# It is a convenience, not a condition: where it cannot install, it says what is missing and exits 0, and
# the tests that need the missing program say that they were skipped. SOCKEYE_INSTALL_PEERS=0 turns it off.
set -euo pipefail

PEERS_OF_THE_TESTS=(python3 netcat-openbsd socat redis-server redis-tools curl iproute2 openssl iptables tcpdump
  python3-websockify nmap chrony faketime xinetd bind9 bind9-dnsutils dnsmasq-base)

# Another process may hold the package manager's lock; longer than this and the tests go on without.
LOCK_WAIT_SECONDS=120

# The program each package is wanted for. A machine that has it from elsewhere needs no package.
program_of() {
  case "$1" in
    netcat-openbsd) echo nc ;;
    redis-tools) echo redis-cli ;;
    iproute2) echo ss ;;
    chrony) echo chronyd ;;
    bind9) echo named ;;
    bind9-dnsutils) echo dig ;;
    dnsmasq-base) echo dnsmasq ;;
    *) echo "$1" ;;
  esac
}

# GNU and traditional netcat have other options than the one the tests are written for.
has_openbsd_nc() {
  local help
  help=$(nc -h 2>&1 || true)
  [[ $help == *OpenBSD* ]]
}

is_present() {
  local program
  # A library of Debian's own python, whichever python3 stands first in the path.
  if [[ $1 == python3-websockify ]]; then
    /usr/bin/python3 -c 'import websockify.websocket' 2>/dev/null
    return
  fi
  program=$(program_of "$1")
  command -v "$program" >/dev/null 2>&1 || return 1
  if [[ $1 == netcat-openbsd ]]; then has_openbsd_nc; fi
}

list_missing() {
  local package
  for package in "$@"; do
    is_present "$package" || echo "$package"
  done
}

give_up() {
  echo "install-peers: missing: $2" >&2
  echo "install-peers: $1; the tests that need them will be skipped" >&2
  exit 0
}

wanted=("$@")
if ((${#wanted[@]} == 0)); then wanted=("${PEERS_OF_THE_TESTS[@]}"); fi

mapfile -t missing < <(list_missing "${wanted[@]}")
if ((${#missing[@]} == 0)); then exit 0; fi

[[ ${SOCKEYE_INSTALL_PEERS:-1} != 0 ]] || give_up 'SOCKEYE_INSTALL_PEERS is 0' "${missing[*]}"
command -v apt-get >/dev/null 2>&1 || give_up 'there is no apt-get here' "${missing[*]}"
((EUID == 0)) || give_up 'installing needs root' "${missing[*]}"

echo "install-peers: installing ${missing[*]}" >&2
# RUNLEVEL=1: a package that brings a service does not start it. The tests start their own, on their own ports.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt_options=(-qq -y --no-install-recommends -o "DPkg::Lock::Timeout=$LOCK_WAIT_SECONDS")

install() {
  apt-get "${apt_options[@]}" install "$@" >/dev/null
}

# The lists may be absent (a fresh image) or old (a package that has moved on): fetch them only then.
if ! install "${missing[@]}" 2>/dev/null; then
  apt-get "${apt_options[@]}" update >/dev/null || true
  # One by one: a package that does not exist here must not keep the others out.
  for package in "${missing[@]}"; do install "$package" || true; done
fi

mapfile -t missing < <(list_missing "${wanted[@]}")
if ((${#missing[@]} > 0)); then give_up 'apt-get could not install them' "${missing[*]}"; fi
