"""The configuration of the endpoint: a JSON file. README.md is its documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """The configuration cannot be used; the text says where."""


@dataclass(frozen=True)
class Listener:
    """One address and port. With `certificate` (PEM file, leaf first, key inside or in `key`) it speaks HTTPS.

    `client_authorities` (PEM file) makes it ask for certificates of clients, and refuses others at once.
    """

    address: str = "127.0.0.1"
    port: int = 5985
    certificate: str = ""
    key: str = ""
    client_authorities: str = ""


@dataclass(frozen=True)
class User:
    """Somebody whom the endpoint knows. `name` alone is the account's name; domains in all forms that clients send.

    Without `password` and `nt_hash` he logs on with Kerberos only. Who is no `administrator` is told that access is denied.
    """

    name: str
    domain: str = ""  # NetBIOS name, or the computer's for a local account
    realm: str = ""  # DNS name of the domain
    password: str = ""
    nt_hash: str = ""
    administrator: bool = True
    certificate: str = ""  # UPN of the client certificate that stands for him (winrm/config/service/certmapping)


@dataclass(frozen=True)
class Quotas:
    """What a Windows 10 or Server 2016 has by default (winrm get winrm/config)."""

    max_shells_per_user: int = 30
    max_processes_per_shell: int = 25
    max_operations_per_user: int = 1500
    max_envelope_kb: int = 500
    idle_timeout: float = 7200.0  # seconds
    max_timeout: float = 60.0  # MaxTimeoutms, seconds: the longest that one Receive waits


@dataclass(frozen=True)
class Config:
    """Everything that the endpoint is told."""

    computer: str = "DESKTOP"
    listeners: tuple[Listener, ...] = (Listener(),)
    users: tuple[User, ...] = ()
    keytab: str = ""
    basic: bool = False
    credssp: bool = False
    channel_bindings: str = "relaxed"  # CbtHardeningLevel: none, relaxed, strict
    client_ids: bool = (
        True  # ShellId in Create, CommandId in Command: taken as given; false: the host draws its own, as old ones do
    )
    quotas: Quotas = field(default_factory=Quotas)
    backend: str = "process"
    backend_options: dict[str, Any] = field(default_factory=dict)
    latency: float = 0.0  # seconds that every request waits, as if the network were slow
    rules: str = ""
    log: str = ""
    log_commands: bool = False  # command lines in the log: for tests that look for secrets in them

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a file. Raises ConfigError."""
        try:
            return cls.of(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ConfigError) as error:
            raise ConfigError(f"{path}: {error}") from error

    @classmethod
    def of(cls, data: dict[str, Any]) -> Config:
        """From what such a file holds. Raises ConfigError."""
        values = dict(_known(cls, data))
        if "listeners" in values:
            values["listeners"] = tuple(_build(Listener, item) for item in values["listeners"])
        if "users" in values:
            values["users"] = tuple(_build(User, item) for item in values["users"])
        if "quotas" in values:
            values["quotas"] = _build(Quotas, values["quotas"])
        config = _build(cls, values)
        if config.channel_bindings not in ("none", "relaxed", "strict"):
            raise ConfigError(f"channel_bindings is {config.channel_bindings!r}: none, relaxed or strict")
        return config


def _known(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    unknown = set(data) - {item.name for item in fields(kind)}
    if unknown:
        raise ConfigError(f"{kind.__name__}: unknown {', '.join(sorted(unknown))}")
    return data


def _build(kind: type, data: dict[str, Any]) -> Any:
    try:
        return kind(**_known(kind, data))
    except TypeError as error:
        raise ConfigError(f"{kind.__name__}: {error}") from error
