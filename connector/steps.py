"""The steps of an event between its receipt and its end, told to whoever asks: crash tests end the process there.

In: the parts of a server, and a function. Out: parts that do the same and name each step. `put`, `claim` and `settle`
have steps of their own in the durable queue.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.destination import Destination
from connector.rupt import Failure, Request, Response
from connector.sources.intake import Intake, Limits, Taken

Step: TypeAlias = Callable[[str], None]
STEPS: Final = (
    "received",
    "taken",
    "put.written",
    "put.committed",
    "answered",
    "claim.written",
    "claim.committed",
    "sending",
    "sent",
    "settle.written",
    "settle.committed",
    "reload",
    "purge",
)


class SteppedIntake(Intake):
    """An intake that names the step when a body has become jobs."""

    def __init__(self, destination: Destination, *, new_id: Callable[[], str], limits: Limits, step: Step) -> None:
        super().__init__(destination, new_id=new_id, limits=limits)
        self._step = step

    def take(self, path: str, body: bytes, *, received_at: float) -> Taken:
        """Take a body in."""
        taken = super().take(path, body, received_at=received_at)
        self._step("taken")
        return taken


def stepped_app(app: ASGIApp, step: Step) -> ASGIApp:
    """Name the steps when a request has come, and when its answer has been handed to the network."""

    async def stepped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_stepped(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body":
                step("answered")

        step("received")
        await app(scope, receive, send_stepped)

    return stepped


Sender: TypeAlias = Callable[[Request], Awaitable[Response | Failure]]


def stepped_send(send: Sender, step: Step) -> Sender:
    """Name the steps before a request leaves, and when its answer has come."""

    async def stepped(request: Request) -> Response | Failure:
        step("sending")
        answer = await send(request)
        step("sent")
        return answer

    return stepped
