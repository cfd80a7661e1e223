"""What programs in other languages may rely on: scripts that they keep as text and call. See README.md."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from ..store.scripts import assembled, source

#: The contract's version. A version only ever gains arguments, answers, options and fields.
CONTRACT = 1


@dataclass(frozen=True)
class ContractScript:
    """One of the scripts; `transition` is its name in `store/lua`."""

    name: str
    transition: str
    summary: str

    @property
    def text(self) -> str:
        """The whole script: its contract, its arguments and answers, and the code."""
        documentation, _, code = source(self.transition).partition("\n\n")
        code = assembled(f"-- needs: known_layout\n{code}")
        return f"-- preppath-workers script {self.name}, contract {CONTRACT}\n--\n{documentation}\n\n{code}"


SCRIPTS = MappingProxyType(
    {
        script.name: script
        for script in (
            ContractScript("enqueue", "enqueue_checked", "add jobs, if their arguments are right"),
            ContractScript("status", "status", "return a job as it is now"),
            ContractScript("wait", "wait", "return a job that has ended, or announce its end"),
            ContractScript("cancel", "cancel", "cancel a job"),
            ContractScript("close_group", "close_group", "let a group end when its jobs have"),
        )
    }
)
