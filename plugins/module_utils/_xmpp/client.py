# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""One logged-in user, by slixmpp, with deadlines of its own.

The session sends no presence: contacts see nothing, and messages that wait for the user stay where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
import traceback

try:
    import slixmpp
    from slixmpp.exceptions import IqError, IqTimeout
    from slixmpp.jid import InvalidJID

    SLIXMPP_ERROR = None
except ImportError:  # the module reports it with missing_required_lib
    SLIXMPP_ERROR = traceback.format_exc()

from .settings import Account, Endpoint

REFUSED = "refused"
TIMEOUT = "timeout"
BROKEN = "broken"

# What the server says when these credentials are wrong or this account may not log in (RFC 6120 6.5). Anything else,
# such as temporary-auth-failure, says something about the server and nothing about the credentials.
REFUSALS = ("not-authorized", "account-disabled", "credentials-expired")


class LoginFailed(Exception):
    """No session; kind says whether the server refused the user, was silent, or something broke."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def silence() -> None:
    """Keep the log of slixmpp, which contains what is sent, away from every output."""
    logger = logging.getLogger("slixmpp")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1)


class Session:
    """A logged-in user."""

    def __init__(self, account: Account, client: slixmpp.ClientXMPP) -> None:
        self.account = account
        self.client = client

    @classmethod
    async def login(cls, account: Account, endpoint: Endpoint, context: ssl.SSLContext, timeout: float) -> Session:
        """Log in at this address, or raise LoginFailed within the deadline. Never without verified TLS."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        client = _client(account, context)
        conditions: list[str] = []

        def settle(error: LoginFailed | None = None) -> None:
            if outcome.done():
                return
            if error is None:
                outcome.set_result(None)
            else:
                outcome.set_exception(error)

        def refused(_event: object) -> None:
            known = next((name for name in conditions if name in REFUSALS), "")
            if known or not conditions:
                text = known or "no SASL mechanism that both sides accept"
                settle(LoginFailed(REFUSED if known else BROKEN, text))
            else:
                settle(LoginFailed(BROKEN, ", ".join(dict.fromkeys(conditions))))

        client.add_event_handler("session_start", lambda event: settle())
        client.add_event_handler("failed_auth", lambda stanza: conditions.append(str(stanza["condition"])))
        client.add_event_handler("failed_all_auth", refused)
        client.add_event_handler("ssl_invalid_chain", lambda error: settle(LoginFailed(BROKEN, f"TLS: {error}")))
        client.add_event_handler("connection_failed", lambda error: settle(LoginFailed(BROKEN, str(error))))
        client.add_event_handler(
            "stream_error", lambda error: settle(LoginFailed(BROKEN, f"stream error: {error['condition']}"))
        )
        client.add_event_handler(
            "disconnected", lambda reason: settle(LoginFailed(BROKEN, f"the server closed the connection ({reason})"))
        )
        session = cls(account, client)
        try:
            client.connect(endpoint.address, endpoint.port)
            async with asyncio.timeout(timeout):
                await outcome
        except TimeoutError:
            await session.close()
            raise LoginFailed(TIMEOUT, f"no answer within {timeout:g} s") from None
        except LoginFailed:
            await session.close()
            raise
        return session

    @property
    def address(self) -> str:
        """The full JID of this very session."""
        return str(self.client.boundjid.full)

    async def ask(self, kind: str, payload, timeout: float):
        """Send an <iq/> to the own account and give the answer's XML; (None, reason) when it went wrong."""
        iq = self.client.make_iq_get() if kind == "get" else self.client.make_iq_set()
        iq.append(payload)
        try:
            async with asyncio.timeout(timeout):
                answer = await iq.send(timeout=timeout)
        except IqError as error:
            return None, str(error.condition)
        except (IqTimeout, TimeoutError):
            return None, f"no answer within {timeout:g} s"
        except Exception as error:  # for example NotConnectedError of newer releases
            return None, f"{type(error).__name__}: {error}"
        return answer.xml, ""

    async def close(self) -> None:
        """Leave politely, but without waiting for the peer."""
        with contextlib.suppress(Exception):
            self.client.cancel_connection_attempt()
            if self.client.transport:
                self.client.send_raw(self.client.stream_footer)
                # Let the transport flush before it is cut.
                await asyncio.sleep(0)
            self.client.abort()


def _client(account: Account, context: ssl.SSLContext) -> slixmpp.ClientXMPP:
    try:
        client = slixmpp.ClientXMPP(f"{account.jid}/verify-{secrets.token_hex(4)}", account.password)
    except InvalidJID as error:
        raise LoginFailed(BROKEN, f"this is no valid JID: {error}") from None
    if not hasattr(client, "enable_direct_tls"):
        raise LoginFailed(BROKEN, f"slixmpp {slixmpp.__version__} is too old, 1.10 or newer is needed")
    client.ssl_context = context
    client.enable_starttls = True
    client.enable_direct_tls = False
    client.enable_plaintext = False
    client.whitespace_keepalive = False
    # Strangers who ask for a subscription are the user's business, not ours.
    client.auto_authorize = None
    client.auto_subscribe = False
    return client
