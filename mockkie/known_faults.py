"""Which faults there can be over a contract. Knows not what faults do."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mockkie.contract import Contract
from mockkie.faults import Fault
from mockkie.problems import FALLBACKS
from mockkie.values import FaultError, Pointer, unknown


def judge_fault(contract: Contract, fault: Fault, pointer: Pointer = ()) -> None:
    """Hold a fault against the contract: `FaultError` when it is about nothing there."""
    operations = contract.operations
    meant = [known for name, known in operations.items() if fnmatchcase(name, fault.operation)]
    if not meant:
        unknown((*pointer, "operation"), fault.operation, operations, "operation of the contract")
    about = fault.then.way.about
    if about != "all" and not any(one.is_download is (about == "downloads") for one in meant):
        why = f"{fault.then.name} is about {about} only, and {fault.operation!r} is about none"
        raise FaultError((*pointer, "operation"), why)
    values = fault.then.values
    name = values.get("name") if fault.then.name == "example" else values.get("error")
    if isinstance(name, str):
        known = {name for operation in operations.values() for name in operation.refusals}
        if name not in known | set(FALLBACKS):
            there = (*pointer, "then", fault.then.name)
            unknown(there, name, sorted(known), "documented error")
