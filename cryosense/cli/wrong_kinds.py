"""Values of another kind than their keys take are refused before anything is made of a composed configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryosense.cli.kinds import accepts, in_words, is_plain, kind_of_default
from cryosense.cli.leaves import Leaf, leaves_below, leaves_of, mappings_below
from cryosense.errors import ConfigError

# Of keys that verbs read themselves and whose default is null or ???.
READ_BY_VERBS: Mapping[str, object] = {
    "align_noise_to_angstrom": float | None,
    "ctf": str | None,
    "cutoff_angstrom": float | None,
    "directory": str,
    "formats": list[str],
    "methods": list[str],
    "obtained": str | None,
    "output_dir": str | None,
    "particles": int | None,
    "path": str,
    "picture": str | None,
    "pilot.particles": int | None,
    "pilot.path": str | list[str] | None,
    "pilot_ctf": str | None,
    "reference": str | None,
    "relion_root": str | None,
    "rerun": str | None,
    "sample": int | None,
    "table_decimals": int | None,
    "threads": int | None,
}


def refuse_wrong_kinds(verb: str, cfg: Mapping[str, Any]) -> None:
    """Look at every value of a composed, unresolved configuration.

    Raises:
        ConfigError: one is of a kind that its parameter, or the key itself, does not take; the message names the key.
    """
    found = list(leaves_below(cfg))
    linked = linked_to(found, cfg)
    # What stands as it was shipped is right, by a test; nothing is imported to look at it.
    shipped = {(leaf.key, repr(leaf.value)) for leaf in leaves_of(verb)}
    for leaf in found:
        if (isinstance(leaf.value, str) and "${" in leaf.value) or (leaf.key, repr(leaf.value)) in shipped:
            continue
        for hint in hints(verb, leaf, linked):
            if not accepts(hint, leaf.value):
                raise ConfigError(f"{leaf.key}={_shown(leaf.value)}: {in_words(hint)} is needed")
    for leaf in mappings_below(cfg):
        for hint in hints(verb, leaf, linked):
            if is_plain(hint):
                raise ConfigError(f"{leaf.key}={_shown(leaf.value)}: {in_words(hint)} is needed")


def hints(verb: str, leaf: Leaf, linked: Mapping[str, list[Leaf]]) -> list[object]:
    """Return what a key is known to take: by the parameters that it is given to, else by its default."""
    if leaf.key.rpartition(".")[2].startswith("_"):  # Hydra's own
        return []
    given = [each.hint for each in (leaf, *linked.get(leaf.key, ()))]
    known = [hint for hint in given if hint is not None]
    if known or leaf.target is not None:
        return known
    if leaf.key in READ_BY_VERBS:
        return [READ_BY_VERBS[leaf.key]]
    nested = [each for each in leaves_of(verb) if each.key.startswith(f"{leaf.key}.")]
    if nested and leaf.value is not None:
        return [dict]
    shipped = [kind_of_default(each.value) for each in leaves_of(verb) if each.key == leaf.key]
    return [kind for kind in shipped[:1] if kind is not None]


def linked_to(found: list[Leaf], cfg: Mapping[str, Any]) -> dict[str, list[Leaf]]:
    """Return by key the parameters that it is given to by interpolation; what is still to be called with more is left out."""
    linked: dict[str, list[Leaf]] = {}
    for leaf in found:
        if isinstance(leaf.value, str) and leaf.value.startswith("${") and not _is_partial(cfg, leaf.key):
            linked.setdefault(leaf.value[2:-1].removeprefix("oc.select:").removesuffix(",null"), []).append(leaf)
    return linked


def _is_partial(cfg: Mapping[str, Any], key: str) -> bool:
    node: Any = cfg
    for part in key.split(".")[:-1]:
        node = node[int(part)] if isinstance(node, list) else node[part]
    return bool(node.get("_partial_"))


def _shown(value: object) -> str:
    said = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return said if len(said) <= 60 else f"{said[:60]} ..."
