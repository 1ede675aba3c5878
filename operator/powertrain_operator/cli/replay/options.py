"""Options that several replays have in common."""

from collections.abc import Sequence

import click


def names(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Policies by name, each once."""
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if unknown := [name for name in found if name not in known]:
        raise click.BadParameter(f"{unknown[0]!r} is none of {', '.join(known)}", param_hint="--policy")
    return found


def seeds(text: str) -> tuple[int, ...]:
    """`42`, or `42-51` for all from the first to the last."""
    first, _, last = text.partition("-")
    if not first.isdigit() or not (last or first).isdigit() or int(last or first) < int(first):
        raise click.BadParameter(f"{text!r} is not a number or a range such as 1-3", param_hint="--seeds")
    return tuple(range(int(first), int(last or first) + 1))
