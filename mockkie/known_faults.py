"""Which faults there can be over a contract. Knows not what faults do."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mockkie.contract import Contract
from mockkie.faults import Fault
from mockkie.problems import FALLBACKS
from mockkie.values import Pointer, unknown


def judge_fault(contract: Contract, fault: Fault, pointer: Pointer = ()) -> None:
    """Hold a fault against the contract: `FaultError` when it is about nothing there."""
    operations = contract.operations
    if not any(fnmatchcase(name, fault.operation) for name in operations):
        unknown((*pointer, "operation"), fault.operation, operations, "operation of the contract")
    values = fault.then.values
    name = values.get("name") if fault.then.name == "example" else values.get("error")
    if isinstance(name, str):
        known = {name for operation in operations.values() for name in operation.refusals}
        if name not in known | set(FALLBACKS):
            there = (*pointer, "then", fault.then.name)
            unknown(there, name, sorted(known), "documented error")
