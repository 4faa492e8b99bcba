"""A model's configuration written into a script, where no file says it as it was used."""

from __future__ import annotations

import ast
import pprint
from pathlib import Path
from typing import Any

from embedviz.checkpoints.config_values import safe_values
from embedviz.checkpoints.json_file import read_json
from embedviz.errors import ExportError

#: What says where a configuration was, not what the model is.
_ASIDE = {"transformers_version", "dtype", "torch_dtype", "architectures", "_name_or_path", "model_type"}
#: Of a config.json, what transformers reads and embedviz does not, and yet changes nothing.
_HARMLESS = {"_name_or_path", "name_or_path", "auto_map", "_commit_hash"}


def same_config(config: Any, folder: Path) -> bool:
    """Whether transformers reads from ``folder`` the configuration that the model was made with."""
    raw = read_json(folder / "config.json")
    if set(raw) - set(safe_values(raw)) - _HARMLESS:
        return False
    try:
        read = type(config).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False  # a model_type is missing, for one
    return _values(read) == _values(config)


def _values(config: Any) -> dict[str, Any]:
    return {name: value for name, value in config.to_dict().items() if name not in _ASIDE}


def config_literal(config: Any) -> str:
    """``CONFIG = {...}``: the values that are not the class's own. ExportError where they do not make the same."""
    values, kind = _values(config), type(config)
    usual = _values(kind())
    told = {name: value for name, value in values.items() if name not in usual or usual[name] != value}
    for chosen in (told, values):
        text = pprint.pformat(chosen, width=110, sort_dicts=False)
        if _makes(kind, text) == values:
            return f"CONFIG = {text}"
    raise ExportError(
        "The configuration of this model cannot be written as plain values",
        value=kind.__name__,
        remedy="Save a copy of the checkpoint (`embedviz doctor … --save copy`), and make the script for the copy.",
    )


def _makes(kind: Any, text: str) -> dict[str, Any] | None:
    """The values of the configuration that a script makes of ``text``; None where it makes none."""
    try:
        return _values(kind(**ast.literal_eval(text)))
    except (ValueError, TypeError, SyntaxError, AttributeError, KeyError):
        return None
