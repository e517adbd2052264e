"""What tests of several folders share."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture
def nobody() -> Iterator[None]:
    """Run as a user to whom something is forbidden: root, as CI has it, becomes nobody for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    yield
    os.seteuid(user)
