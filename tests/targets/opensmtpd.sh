#!/bin/sh
# A private OpenSMTPD, a mail server (Debian package opensmtpd), on free ports of 127.0.0.1.
#
#   tests/targets/opensmtpd.sh install           installs the package, as root; its service stays down
#   tests/targets/opensmtpd.sh start             starts it, and prints NAME='value' lines: PLAIN (the
#                                                port), MAIL (a Maildir), DIR
#   tests/targets/opensmtpd.sh stop DIR          ends it and removes its folder
#
# It takes mail for example.com into one Maildir, answers 451 for busy@example.com, and refuses other
# domains with 550. Needs root, since it gives up root by itself; one can run on a machine at a time.
# Exits 69 if it is not installed or cannot run.
set -eu
. "$(dirname "$0")/common.sh"

install() {
    ! [ -x /usr/sbin/smtpd ] || return 0
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || missing "install opensmtpd first, as root"
    [ ! -e /usr/sbin/sendmail ] || missing "another mail server is installed; it is left alone"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends opensmtpd >&2 ||
        missing "apt-get cannot install opensmtpd"
}

start() {
    [ -x /usr/sbin/smtpd ] || missing "OpenSMTPD is not installed; run: $0 install"
    [ "$(id -u)" -eq 0 ] || missing "OpenSMTPD needs root"
    ! /usr/sbin/smtpctl show status >/dev/null 2>&1 || missing "another OpenSMTPD runs on this machine"
    run_folder opensmtpd
    mkdir "$dir/mail"
    chmod 777 "$dir/mail"
    plain="$(free_port)"
    cat >"$dir/smtpd.conf" <<END
table everybody { "@example.com" = "nobody" }
table busy { "busy@example.com" }
filter later phase rcpt-to match rcpt-to <busy> reject "451 busy, come back later"
listen on 127.0.0.1 port $plain filter later
action keep maildir "$dir/mail" virtual <everybody>
match from any for domain "example.com" action keep
END
    launch "$plain" /usr/sbin/smtpd -d -f "$dir/smtpd.conf"
    echo "PLAIN='$plain'"
    echo "MAIL='$dir/mail'"
    echo "DIR='$dir'"
}

case "${1-}:$#" in
install:1) install ;;
start:1) start ;;
stop:2) stop_in "$2" ;;
*) usage ;;
esac
