"""The env contract: which variable each role gets, and where each target takes it from.

``load`` reads and checks ``ops/contract/contract.yaml``; everything else works on its result.
"""

from hostwright.contract.load import load
from hostwright.contract.models import Contract, Role, Source, Target, Variable

__all__ = ["Contract", "Role", "Source", "Target", "Variable", "load"]
