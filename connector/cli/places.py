"""Places as a person reads them: a preset by its name, a file below this folder from here on."""

import os

from connector.destination import mappings_folder


def short_place(location: str) -> str:
    """Shorten a place, `file:line:column` or only a file: `preset attach-device.yaml:7:12`."""
    file, at = split_place(location)
    return f"{short_file(file)}{at}"


def short_file(file: str) -> str:
    """Shorten the name of a file."""
    folder, name = os.path.split(file)
    if folder == str(mappings_folder()):
        return f"preset {name}"
    below = os.path.relpath(file) if os.path.isabs(file) else file
    return file if below.startswith("..") else below


def split_place(location: str) -> tuple[str, str]:
    """Split a place into the file, and `:line:column` or whatever of it is there."""
    parts = location.rsplit(":", 2)
    numbers = len(parts) - next((at for at, part in enumerate(parts) if at and part.isdecimal()), len(parts))
    return ":".join(parts[: len(parts) - numbers]), "".join(f":{part}" for part in parts[len(parts) - numbers :])
