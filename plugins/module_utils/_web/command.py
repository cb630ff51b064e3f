# Copyright (c) 2026 onprem.chat maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection onprem.chat: may change at any time. Do not import it from elsewhere.

"""The module's options as requests, and its answer."""

from __future__ import annotations

import collections.abc
import os
import re
import ssl

from .._x509.errors import InputError
from . import client, judge, url
from .client import Request

#: Options that a request may say otherwise than the task.
_OF_REQUEST = ("connect_to", "trust_anchors", "timeout")
_MOST_PARALLEL = 64


def requests(params: collections.abc.Mapping) -> list[Request]:
    """What is to be asked. Raises InputError."""
    if not 1 <= params["parallel"] <= _MOST_PARALLEL:
        raise InputError(f"parallel: expected 1 to {_MOST_PARALLEL}, got {params['parallel']}.")
    if not params["requests"]:
        raise InputError("requests is empty.", action="Name at least one URL.")
    top = {name: params[name] for name in _OF_REQUEST}
    found = []
    for number, one in enumerate(params["requests"]):
        own = {name: one[name] for name in _OF_REQUEST if one.get(name) is not None}
        try:
            found.append(_request({**one, **top, **own}))
        except InputError as error:
            raise InputError(f"requests[{number}]: {error.what}", error.cause, error.action) from None
    return found


def _request(values: collections.abc.Mapping) -> Request:
    address = url.read(values["url"])
    if values["timeout"] <= 0:
        raise InputError(f"timeout: expected more than 0 seconds, got {values['timeout']:g}.")
    for status in values["status"]:
        if not 100 <= status <= 999:
            raise InputError(f"status: {status} is none of HTTP.", action="Expected numbers like 200 or 403.")
    if not values["status"]:
        raise InputError("status is empty.", action="Name the status that is right, for example 200.")
    to = values["connect_to"] or ""
    anchors = tuple(values["trust_anchors"] or ())
    for path in anchors:
        _readable(path)
    return Request(
        url=address,
        status=tuple(values["status"]),
        contains=_pattern(values["contains"]),
        name=values["name"],
        hint=values["hint"],
        source=values["source"],
        connect_to=(url.as_address(to) or _host(to)) if to else "",
        anchors=anchors,
        timeout=values["timeout"],
    )


def _host(text: str) -> str:
    try:
        return url.host_name(text)
    except InputError as error:
        raise InputError(f"connect_to: {error.what}", error.cause, "Give a host name or an address alone.") from None


def _pattern(text: str) -> re.Pattern | None:
    if not text:
        return None
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        what = f"contains: {text!r} is no regular expression of Python ({error})."
        raise InputError(what, action="Write a backslash before characters that stand for themselves.") from None


def _readable(path: str) -> None:
    """A file of certificates that OpenSSL takes."""
    if not os.path.exists(path):  # noqa: PTH110 - as the path was given
        raise InputError(
            f"trust_anchors: there is no {path} on the host where this module runs.",
            "Does it lie on the controller?",
            "Copy it there, or delegate the task to the controller (delegate_to: localhost).",
        )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except ssl.SSLError:
        what = f"trust_anchors: there is no certificate in PEM form in {path}."
        raise InputError(what, "Is this the file of the CA?", "Convert DER with: openssl x509 -inform DER.") from None
    except OSError as error:
        raise InputError(f"trust_anchors: {path} cannot be read ({error.strerror or error}).") from None


def run(params: collections.abc.Mapping) -> dict:
    """The answer of the module. Raises InputError for options that make no sense, and nothing for what servers do."""
    asked = requests(params)
    checks, answers = [], []
    for seen in client.everything(asked, params["parallel"]):
        own = judge.judge(seen)
        checks += [check.as_dict() for check in own]
        answers.append(judge.row(seen, own))
    return {"changed": False, "checks": checks, "answers": answers}
