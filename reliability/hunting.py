"""One process that hunts: `python -m reliability.hunting TARGET --runs N --seed S --found FOLDER`.

Inputs come from atheris, guided by the coverage of mockkie; where it is not to be had (`--plain`),
they are made from the seeds by chance. What fails is made smaller and written to `FOLDER`.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from reliability.target import Check, Target

CORPUS: Final = Path(__file__).parent / "corpus"
COUNTED: Final = "executions:"
_SECONDS_OF_ONE: Final = 20
_MEGABYTES: Final = 2_048
_TRIES: Final = 3_000
_MOST_CHANGES: Final = 4


def main() -> int:
    """Hunt; 1 when something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", nargs="+")
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--found", type=Path, required=True)
    parser.add_argument("--learnt", type=Path)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if not options.plain:
        import atheris  # noqa: PLC0415 - there are platforms without it

        with atheris.instrument_imports(include=["mockkie"]):
            from reliability.targets import TARGETS  # noqa: PLC0415 - instrumented
        guided(TARGETS[options.target[0]], options)  # does not return
    from reliability.targets import TARGETS  # noqa: PLC0415 - as above

    return max(plain(TARGETS[name], options) for name in options.target)


def guided(target: Target, options: argparse.Namespace) -> None:
    """Let atheris hunt; it ends the process."""
    import atheris  # noqa: PLC0415 - as above

    found: Path = options.found
    words = found / f"{target.name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    # What is learnt is written to the first folder: without one, the corpus would grow.
    folders = [str(options.learnt), str(CORPUS / target.name)] if options.learnt else []
    flags = {
        "runs": options.runs,
        "seed": options.seed % (1 << 31) or 1,
        "max_len": target.longest,
        "timeout": _SECONDS_OF_ONE,
        "rss_limit_mb": _MEGABYTES,
        "artifact_prefix": f"{found}/raw-{target.name}-",
        "print_final_stats": 1,
        "verbosity": 1,
        "close_fd_mask": 0,
        **({"dict": words} if target.words else {}),
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), *folders]
    check = target.make()

    def one(data: bytes) -> None:
        attempt(target, check, data, found)

    atheris.Setup(arguments, one, enable_python_coverage=True)
    atheris.Fuzz()


def plain(target: Target, options: argparse.Namespace) -> int:
    """Hunt by chance; 1 when something was found."""
    chance, check = random.Random(f"{target.name} {options.seed}"), target.make()
    seeds = seeds_of(target)
    done = 0
    try:
        for data in seeds:
            done += 1
            attempt(target, check, data, options.found)
        while done < options.runs:
            done += 1
            attempt(target, check, mutated(chance, seeds, target), options.found)
    except Exception:  # noqa: BLE001 - whatever it is, it was found
        traceback.print_exc()
        return 1
    finally:
        print(target.name, COUNTED, done, flush=True)
    return 0


def attempt(target: Target, check: Check, data: bytes, found: Path) -> None:
    """One execution; what fails is kept, as small as can be, before it fails."""
    try:
        check(data)
    except Exception as error:
        small = shrunk(check, data, error)
        name = f"{target.name}-{hashlib.sha256(small).hexdigest()[:12]}"
        (found / name).write_bytes(small)
        print(f"found {found / name}: {type(error).__name__}: {error}", flush=True)
        raise


def shrunk(check: Check, data: bytes, error: Exception) -> bytes:
    """A shorter input that fails in the same way."""
    kind, place = type(error), _place(error)

    def fails(one: bytes) -> bool:
        try:
            check(one)
        except Exception as other:  # noqa: BLE001 - whatever it is
            return type(other) is kind and _place(other) == place
        return False

    tries, size = 0, max(len(data) // 2, 1)
    while size and tries < _TRIES:
        at, before = 0, len(data)
        while at < len(data) and tries < _TRIES:
            tries += 1
            shorter = data[:at] + data[at + size :]
            if fails(shorter):
                data = shorter
            else:
                at += size
        if size > 1 or len(data) == before:
            size //= 2
    return data


def _place(error: Exception) -> tuple[str, int | None]:
    frames = traceback.extract_tb(error.__traceback__)
    return (frames[-1].filename, frames[-1].lineno) if frames else ("", None)


def seeds_of(target: Target) -> Sequence[bytes]:
    """The inputs that are kept of a target, in the order of their names."""
    folder = CORPUS / target.name
    return [one.read_bytes() for one in sorted(folder.iterdir())] if folder.is_dir() else [b""]


def mutated(chance: random.Random, seeds: Sequence[bytes], target: Target) -> bytes:
    """A seed with a few changes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, _MOST_CHANGES)):
        at = chance.randint(0, len(data))
        match chance.randrange(6):
            case 0:
                data[at:at] = chance.choice(target.words) if target.words else b"\0"
            case 1:
                data[at : at + chance.randint(1, 8)] = b""
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                other = chance.choice(seeds)
                data[at:] = other[chance.randint(0, len(other)) :]
            case 4:
                data[at:at] = data[at : at + chance.randint(1, 32)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
    return bytes(data[: target.longest])


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
