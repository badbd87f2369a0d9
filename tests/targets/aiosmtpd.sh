#!/bin/sh
# A private aiosmtpd, a mail server (from PyPI) that asks for TLS and a password, on free ports of
# 127.0.0.1. OpenSMTPD 6.8 as Debian 12 builds it breaks off every TLS handshake ("EVP lib"), so TLS
# is tried here.
#
#   tests/targets/aiosmtpd.sh install           puts it into the cache, if it is not there; 28 MB
#   tests/targets/aiosmtpd.sh start CERT KEY    starts it with a certificate (PEM), and prints
#                                               NAME='value' lines: STARTTLS, TLS (ports), LOGIN,
#                                               PASSWORD, MAIL (a Maildir), DIR
#   tests/targets/aiosmtpd.sh stop DIR          ends it and removes its folder
#
# Exits 69 if it is not installed.
set -eu
. "$(dirname "$0")/common.sh"
here="$(cd "$(dirname "$0")" && pwd)"

install() {
    venv aiosmtpd 'aiosmtpd>=1.4,<2'
}

start() {
    [ -e "$cache/aiosmtpd/installed" ] || missing "aiosmtpd is not installed; run: $0 install"
    run_folder aiosmtpd
    password=test-only-aiosmtpd
    starttls="$(free_port)" tls="$(free_port)"
    launch "$tls" "$cache/aiosmtpd/bin/python" "$here/aiosmtpd_server.py" \
        "$starttls" "$tls" "$1" "$2" "$dir/mail" "$password"
    echo "STARTTLS='$starttls'"
    echo "TLS='$tls'"
    echo "LOGIN='upturn'"
    echo "PASSWORD='$password'"
    echo "MAIL='$dir/mail'"
    echo "DIR='$dir'"
}

case "${1-}:$#" in
install:1) install ;;
start:3) start "$2" "$3" ;;
stop:2) stop_in "$2" ;;
*) usage ;;
esac
