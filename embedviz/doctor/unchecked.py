"""Why a check cannot be done, and measurements that are tried once whether they succeed or not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property, wraps
from typing import TYPE_CHECKING, TypeVar

from embedviz.errors import first_line

if TYPE_CHECKING:
    from embedviz.doctor.case import Case

log = logging.getLogger(__name__)

Value = TypeVar("Value")


class Unchecked(Exception):
    """A check cannot be done; the reason, as the end of the sentence "not checked: …"."""


def failure(error: BaseException) -> str:
    """The reason why a check was not done, where it failed by itself."""
    return f"it failed ({type(error).__name__}: {first_line(error)})"


class ModelFails(Unchecked):
    """The model itself fails on ordinary input."""


def once(measure: Callable[[Case], Value]) -> cached_property[Value]:
    """A cached property that keeps a failure too, so that what fails is not tried again by every check."""

    @wraps(measure)
    def attempt(case: Case) -> Value:
        failed = case.failed.get(measure.__name__)
        if failed is not None:
            raise type(failed)(*failed.args)
        try:
            return measure(case)
        except Unchecked as reason:
            case.failed[measure.__name__] = reason
            raise
        except Exception as error:
            log.warning("%s could not be measured", measure.__name__, exc_info=True)
            case.failed[measure.__name__] = Unchecked(failure(error))
            raise case.failed[measure.__name__] from error

    return cached_property(attempt)
