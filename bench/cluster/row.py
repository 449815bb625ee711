"""A row of the table that bench/cluster/main.py prints."""
from dataclasses import dataclass
from typing import Callable, Optional


@dataclass
class Row:
    name: str
    goal: float
    unit: str
    furrow: Callable  # returns a number, or a number and a remark
    rival: Optional[Callable] = None
    more_is_better: bool = True
