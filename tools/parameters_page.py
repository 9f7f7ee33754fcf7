"""The page of all parameters, ``docs/parameters.md``: names and words from params/base.yaml, types from the schema.

A parameter's words are the comment at the end of its line, or the comment line right above it.

Notebook: notebooks/00_corpus
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tonespan_utils.languages import LANGUAGES
from tonespan_utils.params.profile import PARAMS_DIR, ROOT, Params

PAGE = ROOT / "docs" / "parameters.md"
LINE = re.compile(r"(?P<indent> *)(?P<key>\w+):(?P<value>.*?)(?:\s+#\s*(?P<words>.*))?$")
HEAD = """# Every parameter

Written by `make sync` from [params/base.yaml](../params/base.yaml) and its schema,
`tonespan_utils/params/sections.py`; a test compares. A profile is a YAML file that overrides some of them:

```yaml
# params/mine.yaml
profile: mine
gradient: {window_ms: 300.0}
```

Mappings merge key by key, except `encoders`, `speech.folders`, `finetune.corpora` and `finetune.public`, which a
profile replaces as a whole. An unknown key, a wrong type or an impossible value is refused in one line. Write
`1.0e-4`, not `1e-4`, which YAML takes for a word.
"""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its full name, what may stand there, its default, and what it is."""

    name: str
    kind: str
    default: str
    words: str


def described() -> dict[str, str]:
    """Full name -> words, of every section and parameter in the order of params/base.yaml."""
    words, section, above = {}, "", ""
    for line in (PARAMS_DIR / "base.yaml").read_text(encoding="utf-8").splitlines():
        match = LINE.fullmatch(line)
        if match and not line.lstrip().startswith("#"):
            nested = bool(match["indent"])
            section = section if nested else match["key"]
            words[f"{section}.{match['key']}" if nested else section] = match["words"] or above
        above = line.strip().removeprefix("# ") if line.startswith(" ") and line.lstrip().startswith("#") else ""
    return words


def parameters() -> list[Parameter]:
    """Every parameter of the schema with its default in params/base.yaml."""
    base, words = yaml.safe_load((PARAMS_DIR / "base.yaml").read_text(encoding="utf-8")), described()
    return [
        Parameter(name, kind, json.dumps(_at(base, name), ensure_ascii=False), words.get(name, ""))
        for name, kind in _leaves(Params.model_json_schema())
    ]


def page() -> str:
    """The whole page."""
    words, sections = described(), {}
    for parameter in parameters():
        section = parameter.name.partition(".")[0] if "." in parameter.name else ""
        sections.setdefault(section, []).append(parameter)
    parts = [HEAD]
    for section, rows in sorted(sections.items(), key=lambda item: bool(item[0])):
        title = f"## {section}\n\n{words[section]}" if section else "## The run"
        table = "\n".join(_row(row) for row in rows)
        parts.append(f"{title.strip()}\n\n| parameter | is | default | what |\n|---|---|---|---|\n{table}\n")
    return "\n".join(parts)


def write() -> Path:
    """Write the page and return where it is."""
    PAGE.write_text(page(), encoding="utf-8")
    return PAGE


def _row(row: Parameter) -> str:
    words = row.words.replace("<", "\\<")  # or a browser takes <encoder> for a tag
    return f"| `{row.name}` | {row.kind} | `{row.default}` | {words} |"


def _at(tree: Mapping[str, Any], name: str) -> Any:
    for key in name.split("."):
        tree = tree[key]
    return tree


def _leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Full name and kind of every parameter; sections are taken apart, mappings are not."""
    for name, part in schema["properties"].items():
        target = _resolved(part, schema)
        if "properties" in target:
            yield from ((f"{name}.{key}", _kind(inner, schema)) for key, inner in target["properties"].items())
        else:
            yield name, _kind(part, schema)


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return schema["$defs"][part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part


def _kind(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What may stand there, in words: ``list of integer >= 0``."""
    part = _resolved(part, schema)
    if "anyOf" in part:
        return " or ".join(_kind(choice, schema) for choice in part["anyOf"])
    if part.get("enum") == list(LANGUAGES):
        return "language"
    if "enum" in part:
        return " or ".join(f"`{choice}`" for choice in part["enum"])
    if part["type"] == "array":
        return f"list of {_kind(part['items'], schema)}"
    if part["type"] == "object":
        return "mapping of " + (", ".join(part["properties"]) if "properties" in part else _value_kind(part, schema))
    name = {"string": "text", "null": "null"}.get(part["type"], part["type"])
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = ", ".join(f"{sign} {part[key]:g}" for key, sign in bounds.items() if key in part)
    return f"{name} {limits}".strip()


def _value_kind(part: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    names = part.get("propertyNames", {})
    keys = f"{_kind(names, schema)} to " if "enum" in _resolved(names, schema) else "name to "
    return keys + _kind(part["additionalProperties"], schema)


if __name__ == "__main__":
    print(write())
