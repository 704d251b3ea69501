"""Steps and observations in words, for people. Knows no targets."""

from __future__ import annotations

from typing import Any, Final

from mockkie.harness.steps import Ask, Content, Many, Read, Step, Upload, Wait

_SHORT: Final = 40


def in_words(step: Step) -> str:
    """A step as a line."""
    if isinstance(step, Upload):
        return _upload(step)
    if isinstance(step, Read):
        return _read(step)
    if isinstance(step, Ask):
        what = "preflight" if step.preflight else step.method
        return f"{what} {step.path}{_key(step.auth)}"
    if isinstance(step, Wait):
        lives = "" if not step.lives else f"{step.lives:g} x the life of a file"
        return " ".join(("wait", lives, f"{step.seconds:+g} s" if step.seconds else "")).rstrip()
    return _many(step) if isinstance(step, Many) else type(step).__name__


def shown(value: Any) -> str:
    """A value of an observation."""
    if value is None:
        return "(none)"
    if isinstance(value, dict):
        return ", ".join(f"{number} {name}" for name, number in value.items()) or "(none)"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "(none)"
    return str(value) if value != "" else "(empty)"


def _upload(step: Upload) -> str:
    verb = "upload" if step.method == "POST" else f"{step.method} an upload of"
    words = [verb, repr(step.name) if step.name is not None else "a file without a name"]
    words += [f"to {step.folder!r}"] if step.folder else []
    words += [f"by {step.route}"]
    if step.body is not None:
        words.append(f"as the body {_content(step.body)} of {step.type or 'no type'}")
    elif step.source:
        words.append(f"from {'link of ' if step.needs else ''}{step.source}")
    else:
        words.append(f"with {_content(step.content)}")
    words += [f"of {step.type}"] if step.type and step.body is None else []
    words += [f"({step.spelled})"] if step.spelled else []
    words += [f"{name} = {value!r}" for name, value in step.set.items()]
    words += [f"without {name}" for name in step.drop]
    return " ".join(words) + _key(step.auth, "valid") + (f" -> {step.link}" if step.link else "")


def _read(step: Read) -> str:
    words = [step.method, f"the link of {step.of}"]
    words += [f"made to be {step.spelled}"] if step.spelled else []
    words += [f"with Range: {step.range}"] if step.range else []
    words += [f"if {step.condition}"] if step.condition else []
    words += [f"{step.times} times"] if step.times > 1 else []
    return " ".join(words) + _key(step.auth, "none")


def _key(auth: str, usual: str = "valid") -> str:
    return "" if auth == usual else f", key: {auth}"


def _content(content: Content) -> str:
    if len(content) <= _SHORT and not content.counting:
        return repr(content.read())
    return f"{len(content):,} bytes"


def _many(step: Many) -> str:
    how = " at once" if step.at_once else " one after another"
    names = {"own": "names of their own", "one": "one name", "none": "no name"}
    named = names.get(step.names, "the same names in two accounts")
    while_ = f", {step.readers} reading meanwhile" if step.readers else ""
    return f"{step.times} uploads{how} to {named} by {step.upload.route}{while_}, then read all"
