"""What the stand-in remembers: users, their devices, limits and challenges. Pure: the time is an argument.

Built from what is known of Rupt, never compared with the live service. Where nothing is known the simplest is done, and
the docstring says so. Ids look like Rupt's and come from a seed and a counter, so that two runs give the same.
"""

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from connector.values import JSON, dump_json

_VENDOR_IDS: Final = ("iosVendorIdentifier", "androidVendorIdentifier")
_KEPT_MESSAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Project:
    """What one would set in Rupt's dashboard. Without `client_id` or `api_secret` any that is sent is valid."""

    client_id: str | None = None
    api_secret: str | None = field(default=None, repr=False)
    default_device_limit: int = 3
    block_over_usage: bool = False
    seed: int = 0


@dataclass(slots=True)
class Attachment:
    """One device with one user; its `access` is also the id of its one evaluation."""

    device: str
    user: str
    access: str
    attached_at: float
    seen_at: float
    info: dict[str, JSON]
    challenge: str | None = None
    consumed: bool = False


@dataclass(slots=True)
class User:
    """One account, by the application's own id."""

    id: str
    email: str | None = None
    phone: str | None = None
    metadata: dict[str, JSON] = field(default_factory=dict)
    groups: dict[str, dict[str, JSON]] = field(default_factory=dict)
    limit_config: dict[str, JSON] = field(default_factory=dict)
    suspended: bool = False
    attached: dict[str, Attachment] = field(default_factory=dict)
    detached: dict[str, Attachment] = field(default_factory=dict)


class Twin:
    """The state of one project; every method is one thing that a call of the API does."""

    def __init__(self, project: Project | None = None) -> None:
        self.project = project or Project()
        self.users: dict[str, User] = {}
        self.devices: dict[str, dict[str, Attachment]] = {}
        self.challenges: dict[str, dict[str, JSON]] = {}
        self._accesses: dict[str, Attachment] = {}
        self._known_devices: dict[bytes, str] = {}
        self._messages: dict[str, deque[dict[str, JSON]]] = {}
        self._made = 0

    def attach(self, body: dict[str, JSON], now: float) -> dict[str, JSON]:
        """Attach the device that a body names to its `user` (a text that is not empty); give Rupt's answer."""
        user = self.update_user(str(body["user"]), body)
        config = body.get("limit_config")
        if isinstance(config, dict) and config:
            user.limit_config = config
        device = self._device_of(body)
        is_new = device not in user.attached and device not in user.detached
        attachment = self._attach(user, device, body, now)
        if len(user.attached) > self.limit_of(user):
            self._challenge(user, attachment, now)
        return {
            "success": True,
            "attached_devices": len(user.attached),
            "device_id": device,
            "default_device_limit": self.project.default_device_limit,
            "block_over_usage": self.project.block_over_usage,
            "suspended": user.suspended,
            "new_device": is_new,
            "access": attachment.access,
            "metadata": dict(user.metadata),
            "verification_status": "unverified",
        }

    def _attach(self, user: User, device: str, body: dict[str, JSON], now: float) -> Attachment:
        attachment = user.attached.get(device) or user.detached.pop(device, None)
        if attachment is None:
            attachment = Attachment(device, user.id, self._new_id("access"), now, now, {})
            self.devices[device][user.id] = self._accesses[attachment.access] = attachment
        attachment.seen_at = now
        attachment.info = {key: body[key] for key in ("client", "version", "device_info", "page") if key in body}
        user.attached[device] = attachment
        return attachment

    def limit_of(self, user: User) -> int:
        """Say how many devices a user may have: what was sent for the user last, else the project's own limit."""
        for key in ("overall_device_limit", "overall_limit"):
            if type(limit := user.limit_config.get(key)) is int:
                return limit
        return self.project.default_device_limit

    def _device_of(self, body: dict[str, JSON]) -> str:
        """Find the device that a body names, or make one.

        Devices are told apart by fingerprint, last_fingerprint and the vendor ids among the signals. What Rupt does
        without any is not known; here each such attach makes a new device, the worst that can happen.
        """
        keys = [hashlib.blake2b(name, digest_size=16).digest() for name in _identity_of(body)]
        device = next((self._known_devices[key] for key in keys if key in self._known_devices), None)
        if device is None:
            device = self._new_id("device")
            self.devices[device] = {}
        for key in keys:
            self._known_devices.setdefault(key, device)
        return device

    def _challenge(self, user: User, attachment: Attachment, now: float) -> None:
        """Challenge a user on a device that is one too many, and tell its listeners; once per device."""
        if attachment.challenge is not None:
            return
        challenge = attachment.challenge = self._new_id("challenge")
        self.challenges[challenge] = {
            "id": challenge,
            "user": user.id,
            "device": attachment.device,
            "status": "initiated" if user.email or user.phone else "skipped",  # without both verification is skipped
            "created_at": time_text(now),
        }
        message: dict[str, JSON] = {"action": "challenge", "challenge": {"_id": challenge}}
        self._tell(attachment.device, {**message, "url": f"https://challenge.invalid/{challenge}"})

    def detach(self, device: str, user: str) -> bool:
        """Take a user off a device, and tell its listeners; doing so twice is fine. False when there is no device."""
        if device not in self.devices:
            return False
        known = self.users.get(user)
        attachment = known.attached.pop(device, None) if known else None
        if known and attachment:
            attachment.challenge = None
            known.detached[device] = attachment
            self._tell(device, {"action": "logout"})
        return True

    def update_user(self, user: str, changes: dict[str, JSON]) -> User:
        """Change what is sent and keep the rest; metadata and groups are merged. An unknown user is made."""
        known = self.users.get(user)
        if known is None:
            known = self.users[user] = User(user)
        if isinstance(email := changes.get("email"), str):
            known.email = email
        if isinstance(phone := changes.get("phone"), str):
            known.phone = phone
        if isinstance(metadata := changes.get("metadata"), dict):
            known.metadata.update(metadata)
        for identifier, group in _groups_of(changes.get("groups")):
            known.groups[identifier] = {**known.groups.get(identifier, {}), **group}
        return known

    def suspend(self, user: str, *, suspended: bool = True) -> None:
        """Suspend a user, or let go: what one would do in Rupt's dashboard."""
        self.update_user(user, {}).suspended = suspended

    def attached_devices(self, user: str) -> list[JSON]:
        """List the devices that are attached to a user now."""
        known = self.users.get(user)
        return [_device(attachment, "attached") for attachment in known.attached.values()] if known else []

    def user_devices(self, user: str) -> list[JSON]:
        """List all devices that a user ever had, with their status."""
        known = self.users.get(user)
        detached = [_device(attachment, "detached") for attachment in known.detached.values()] if known else []
        return self.attached_devices(user) + detached

    def evaluation(self, identifier: str) -> dict[str, JSON] | None:
        """Give an evaluation. How Rupt makes them is not known: here each access is one, under the same id."""
        attachment = self._accesses.get(identifier)
        if attachment is None:
            return None
        user = self.users[attachment.user]
        return {
            "id": identifier,
            "user": user.id,
            "device": attachment.device,
            "limit_exceeded": len(user.attached) > self.limit_of(user),
            "challenge": attachment.challenge,
            "consumed": attachment.consumed,
        }

    def consume(self, identifier: str) -> bool:
        """Use an evaluation up; False when it is used up already. Raises KeyError for an unknown one."""
        attachment = self._accesses[identifier]
        consumed, attachment.consumed = attachment.consumed, True
        return not consumed

    def _tell(self, device: str, message: dict[str, JSON]) -> None:
        self._messages.setdefault(device, deque(maxlen=_KEPT_MESSAGES)).append(message)

    def take_messages(self, device: str) -> list[dict[str, JSON]]:
        """Take what the listeners of a device have not heard yet."""
        return list(self._messages.pop(device, ()))

    def snapshot(self) -> dict[str, JSON]:
        """Show everything, for tests and for people."""
        return {
            "users": {user.id: self._user(user) for user in self.users.values()},
            "devices": {device: {"users": list(users)} for device, users in self.devices.items()},
            "challenges": list(self.challenges.values()),
        }

    def _user(self, user: User) -> JSON:
        return {
            "email": user.email,
            "phone": user.phone,
            "metadata": dict(user.metadata),
            "groups": list(user.groups.values()),
            "limit_config": user.limit_config,
            "suspended": user.suspended,
            "attached": list(user.attached),
            "detached": list(user.detached),
            "limit_exceeded": len(user.attached) > self.limit_of(user),
        }

    def _new_id(self, kind: str) -> str:
        self._made += 1
        return hashlib.blake2b(f"{self.project.seed}/{kind}/{self._made}".encode(), digest_size=12).hexdigest()


def _identity_of(body: dict[str, JSON]) -> Iterator[bytes]:
    """List what names a body's device, the strongest first; a browser's signals count only when there is no hash."""
    hashes = [body.get("fingerprint"), body.get("last_fingerprint")]
    named = [f"fingerprint {value}".encode() for value in hashes if isinstance(value, str) and value]
    yield from named
    signals = body.get("signals")
    if not isinstance(signals, dict):
        return
    vendor = [f"{key} {signals[key]}".encode() for key in _VENDOR_IDS if signals.get(key)]
    yield from vendor
    if signals and not named and not vendor:
        yield b"signals " + dump_json(signals)


def _groups_of(groups: JSON) -> Iterator[tuple[str, dict[str, JSON]]]:
    for group in groups if isinstance(groups, list) else [groups]:
        if isinstance(group, dict) and group.get("id") is not None:  # null ids are ignored, as by Rupt
            yield str(group["id"]), group


def _device(attachment: Attachment, status: str) -> dict[str, JSON]:
    return {
        "id": attachment.device,
        "user": attachment.user,
        "status": status,
        "metadata": {},
        "info": attachment.info,
        "attached_at": time_text(attachment.attached_at),
        "last_seen_at": time_text(attachment.seen_at),
    }


def time_text(seconds: float) -> str:
    """Print a time as Rupt does: UTC, milliseconds, Z."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
