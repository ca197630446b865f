"""One file a channel, each with a CASE: what the suite must know to try it."""

import importlib
import pkgutil

from tests.contracts.case import Case


def all_cases() -> list[Case]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f"{__name__}.{name}").CASE for name in names]
