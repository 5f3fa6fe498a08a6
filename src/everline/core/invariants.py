"""Truths that must always hold: each room states its own, everyone can have them checked."""

from collections.abc import Callable
from datetime import datetime

from django.utils.module_loading import autodiscover_modules

Rule = Callable[[datetime], list[str]]

_RULES: dict[str, Rule] = {}


def invariant(name: str) -> Callable[[Rule], Rule]:
    """Register a read-only truth, `room.rule`; it returns one sentence per violation, none when it holds."""

    def register(rule: Rule) -> Rule:
        known = _RULES.get(name)
        if known is not None and known.__module__ != rule.__module__:
            raise ValueError(f"two invariants are called {name}")
        _RULES[name] = rule
        return rule

    return register


def run_all(now: datetime) -> dict[str, list[str]]:
    """Every truth with its violations, in the order of their names."""
    autodiscover_modules("invariants")
    return {name: _RULES[name](now) for name in sorted(_RULES)}
