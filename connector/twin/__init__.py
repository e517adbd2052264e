"""A Rupt stand-in one can run: state, authentication, every known call, and a menu of faults.

Built from what is known of Rupt's API. It is not Rupt, and nothing here was ever compared with the live service.
"""

from connector.twin.app import make_app
from connector.twin.faults import MENU, Fault, Faults, parse_fault, parse_faults, parse_rates
from connector.twin.server import running_twin, serve_twin
from connector.twin.stand import Seen, StandIn
from connector.twin.state import Project, Twin

__all__ = [
    "MENU",
    "Fault",
    "Faults",
    "Project",
    "Seen",
    "StandIn",
    "Twin",
    "make_app",
    "parse_fault",
    "parse_faults",
    "parse_rates",
    "running_twin",
    "serve_twin",
]
