"""Where commands run. A backend starts a command line and hands back a Process; `make` finds one by its name."""

from __future__ import annotations

from typing import Any

from .base import Backend


def make(name: str, options: dict[str, Any], computer: str) -> Backend:
    """A backend for one desktop. Raises ValueError."""
    if name == "process":
        from .process import ProcessBackend

        return ProcessBackend(**options)
    if name == "wine":
        from .wine import WineBackend

        return WineBackend(**options)
    if name == "light":
        from .light import LightBackend

        return LightBackend(computer=computer, **options)
    raise ValueError(f"there is no backend {name!r}: process, wine, light")
