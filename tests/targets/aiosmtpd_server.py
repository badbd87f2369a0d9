"""Runs aiosmtpd with STARTTLS on one port and TLS on another, both with a password.

Usage: aiosmtpd_server.py STARTTLS_PORT TLS_PORT CERT KEY MAILDIR PASSWORD
"""
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult

starttls, tls, cert, key, maildir, password = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)


def log_in(server, session, envelope, mechanism, given):
    good = (given.login, given.password) == (b'upturn', password.encode())
    return AuthResult(success=good, handled=False)


common = dict(hostname='127.0.0.1', authenticator=log_in, auth_required=True)
servers = [
    Controller(Mailbox(maildir), port=int(starttls), tls_context=context, require_starttls=True, **common),
    Controller(Mailbox(maildir), port=int(tls), ssl_context=context, auth_require_tls=False, **common),
]
for server in servers:
    server.start()
signal.sigwait({signal.SIGTERM, signal.SIGINT})
