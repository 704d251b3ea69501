"""`openapi.yaml` as understood: routes, operations, texts. Knows nothing of worlds or stores.

Everything that can be wrong with a document is found when the `Contract` is made, not later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from mockkie.changes import Changes
from mockkie.document import Document
from mockkie.media import METHODS, opened
from mockkie.operation import Operation
from mockkie.problems import Problem
from mockkie.quirks import QUIRKS
from mockkie.refusals import refusals
from mockkie.schemas import DIALECT, Schemas
from mockkie.security import security_schemes
from mockkie.settings import DOCUMENTED, Settings, check_settings
from mockkie.source import Pointer

_OPENAPI: Final = re.compile(r"3\.1\.\d+")
_DIALECTS: Final = (DIALECT, "https://spec.openapis.org/oas/3.1/dialect/base")
_OF_A_DOCUMENT: Final = frozenset("errorTransport cors limits tasks profiles claims".split())
"""The settings that two documents of one mock can have differently."""
_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")


class Contract:
    """A document as mockkie understands it."""

    def __init__(
        self, document: Document, profile: str = DOCUMENTED, changes: Changes | None = None
    ) -> None:
        """Understand a document; `DocumentError` says what cannot be, and where.

        `changes` are settings of the mock beside those of the document.
        """
        self.document = document
        self._check_version()
        check_settings(document)
        self._set = profile, changes or {}
        self.settings = Settings.of(document, *self._set)
        self.schemes = security_schemes(document)
        self._schemas = Schemas(document, opened(document))
        self.operations = {operation.id: operation for operation in self._operations()}
        if not self.operations:
            document.fail(("paths",), "the document has no operation under `paths`")
        self._by_path: dict[str, dict[str, Operation]] = {}
        self._patterns: dict[str, re.Pattern[str]] = {}
        for operation in self.operations.values():
            self._add_routes(operation)
        self._templates = sorted(self._patterns, key=_specificity)
        self.texts = refusals(document, dict(document.items(("components", "responses"))))
        self._beside: dict[str, Contract] = {}

    @classmethod
    def read(
        cls,
        path: Path | None = None,
        profile: str = DOCUMENTED,
        overlays: Sequence[Path] = (),
        changes: Changes | None = None,
    ) -> Contract:
        """The contract of a file, by default of the `openapi.yaml` that comes with mockkie.

        Overlays are applied to it before it is understood.
        """
        return cls(Document.read(path or shipped(), overlays), profile, changes)

    def settings_with(self, changes: Changes) -> Settings:
        """Its settings with those of a world on top; `UsageError`: there is no such profile.

        What is of the mock as a whole stays as it is, whatever the profile of the world says.
        """
        if not changes:
            return self.settings
        profile, ours = self._set
        values = self.settings.values
        whole = {name: values[name] for name, quirk in QUIRKS.items() if quirk.whole}
        return Settings.of(self.document, profile, ours, changes, whole)

    @property
    def name(self) -> str:
        """The files that it was read from."""
        return " with ".join((self.document.name, *self.document.overlays))

    @property
    def beside(self) -> list[str]:
        """The files of the documents that were joined."""
        return list(dict.fromkeys(other.name for other in self._beside.values()))

    def join(self, other: Contract) -> None:
        """Serve the operations of another document too. Its texts and settings stay its own.

        `DocumentError` where it contradicts this one: a path or an operationId that is taken, a
        setting that is the mock's as a whole.
        """
        fail = other.document.fail
        profiles = (at for _, at in other.document.items(("x-mockkie", "profiles")))
        for above in (("x-mockkie",), *profiles):
            for name, at in other.document.items(above):
                if name not in _OF_A_DOCUMENT:
                    fail(at, f"{name!r} is of the whole mock: set it in {self.name}")
        for operation in other.operations.values():
            if operation.id in self.operations:
                fail(operation.pointer, f"{self.name} has an operation {operation.id!r} too")
            self.operations[operation.id] = operation
            self._beside[operation.id] = other
        for path, methods in other._by_path.items():
            for method, operation in methods.items():
                if method in self._by_path.get(path, {}):
                    fail(operation.pointer, f"{self.name} has {method} {path} too")
                self._by_path.setdefault(path, {})[method] = operation
        self._patterns = {**other._patterns, **self._patterns}
        self._templates = sorted(self._patterns, key=_specificity)
        theirs = {f"{other.name} {name}": scheme for name, scheme in other.schemes.items()}
        self.schemes = {**theirs, **self.schemes}

    def owner(self, operation: Operation | None) -> Contract:
        """The contract that describes an operation: this one, or one that was joined."""
        return self if operation is None else self._beside.get(operation.id, self)

    @cached_property
    def hosts(self) -> set[str]:
        """The origins that the document names as servers."""
        pointers = (at for at, kind in self.document.kinds.items() if kind == "server")
        urls = (self._url(pointer) for pointer in pointers)
        return {"/".join(url.split("/")[:3]) for url in urls if "://" in url}

    @cached_property
    def origins(self) -> list[str]:
        """The origins that programs may have hard-coded: of the servers, then their aliases."""
        documents = (self, *self._beside.values())
        hosts = sorted(set().union(*(document.hosts for document in documents)))
        return list(dict.fromkeys((*hosts, *self.settings.aliases)))

    def served_at(self, origin: str) -> set[str]:
        """The ids of the operations that are to be found at one of `origins`."""
        everywhere = self.settings.aliases.get(origin) == "served"
        return {
            name
            for name, operation in self.operations.items()
            if everywhere or origin in self.owner(operation).hosts
        }

    @cached_property
    def download_origin(self) -> str | None:
        """The origin of the server that the document names for downloads, if it names one."""
        for operation in self.operations.values():
            for server in self._servers(operation) if operation.is_download else ():
                url = self._url(server)
                if "://" in url:
                    return "/".join(url.split("/")[:3])
        return None

    def route(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
        """The operation of a request and the values in its path.

        Raises `route-not-found`, or `method-not-allowed` with its `Allow` header.
        """
        methods, values = self._match(path)
        if not methods:
            known = ", ".join(self._by_path)
            raise Problem("route-not-found", f"no path of the contract is {path!r}: {known}")
        operation = methods.get(method)
        if operation is None:
            allow = ", ".join(methods)
            why = f"{method} is not among the methods of this path; it takes {allow}"
            raise Problem("method-not-allowed", why, headers={"Allow": allow})
        return operation, values

    def on_path(self, path: str) -> Operation | None:
        """Any operation of a path."""
        return next(iter(self._match(path)[0].values()), None)

    def refusal(self, problem: Problem, operation: Operation | None) -> tuple[int, dict[str, Any]]:
        """`(status, body)` that the document has for a problem, else the one built in."""
        texts = self.owner(operation).texts
        for known in (operation.refusals if operation else {}, texts):
            if problem.name in known:
                return known[problem.name].about(problem)
        status, msg = problem.fallback
        return status, {"success": False, "code": status, "msg": msg}

    def _match(self, path: str) -> tuple[Mapping[str, Operation], tuple[str, ...]]:
        methods = self._by_path.get(path)
        if methods is not None and "{" not in path:
            return methods, ()
        for template in self._templates:
            match = self._patterns[template].fullmatch(path)
            if match:
                return self._by_path[template], match.groups()
        return {}, ()

    def _check_version(self) -> None:
        version = self.document.root.get("openapi")
        if not isinstance(version, str) or not _OPENAPI.fullmatch(version):
            self.document.fail(
                ("openapi",), f"OpenAPI {version!r} is not understood, 3.1 is: `openapi: 3.1.0`"
            )
        dialect = self.document.root.get("jsonSchemaDialect", DIALECT)
        if dialect not in _DIALECTS:
            self.document.fail(("jsonSchemaDialect",), f"only {DIALECT} is understood")

    def _operations(self) -> Iterator[Operation]:
        taken: set[str] = set()
        for path, item in self.document.items(("paths",)):
            if not path.startswith("/"):
                self.document.fail(("paths", path), "a path begins with a slash")
            if item != ("paths", path):
                self.document.fail(
                    ("paths", path), "write the path out: $ref is not supported here"
                )
            for method in self.document.at(item):
                if method in METHODS:
                    operation = Operation(self._schemas, self.schemes, (*item, method))
                    if operation.id in taken:
                        self.document.fail(
                            operation.pointer, f"operationId {operation.id!r} is taken"
                        )
                    taken.add(operation.id)
                    yield operation

    def _add_routes(self, operation: Operation) -> None:
        """Serve an operation below the paths of its servers, mostly none."""
        for prefix in self._prefixes(operation):
            path = prefix + operation.path
            methods = self._by_path.setdefault(path, {})
            if operation.method in methods:
                self.document.fail(operation.pointer, f"{operation.method} {path} is taken")
            methods[operation.method] = operation
            if "{" in path:
                self._patterns.setdefault(
                    path, re.compile(re.escape(prefix) + operation.pattern, re.DOTALL)
                )

    def _prefixes(self, operation: Operation) -> list[str]:
        """What the servers of an operation put before its path."""
        paths = [self._path_of(server) for server in self._servers(operation)]
        return list(dict.fromkeys(paths)) or [""]

    def _servers(self, operation: Operation) -> list[Pointer]:
        """The servers of an operation: those that are nearest to it."""
        for owner in (operation.pointer, operation.pointer[:2], ()):
            servers = [server for _, server in self.document.items((*owner, "servers"))]
            if servers:
                return servers
        return []

    def _path_of(self, server: Pointer) -> str:
        try:
            return urlsplit(self._url(server)).path.rstrip("/")
        except ValueError as error:
            self.document.fail(server, f"this is no URL: {error}")

    def _url(self, server: Pointer) -> str:
        """The URL of a server, its variables at their defaults."""
        value = self.document.at(server)
        variables = value.get("variables", {})

        def default(match: re.Match[str]) -> str:
            if "default" not in variables.get(match[1], {}):
                self.document.fail(server, f"the variable {match[1]!r} of this URL has no default")
            text: str = variables[match[1]]["default"]
            return text

        return _VARIABLE.sub(default, value.get("url", "/"))


def shipped(name: str = "openapi.yaml") -> Path:
    """A document that comes with mockkie: in the package, or beside it in a checkout."""
    package = Path(str(files("mockkie")))
    installed = package / name
    return installed if installed.exists() else package.parent / name


def decode_path(raw: bytes) -> str | None:
    """The path of a request, percent-decoded; None when it is not UTF-8."""
    try:
        return unquote(raw.decode("utf-8"), errors="strict") if b"%" in raw else raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _specificity(path: str) -> tuple[int, int]:
    """Paths with fewer placeholders first, then the longer ones."""
    return path.count("{"), -len(path)
