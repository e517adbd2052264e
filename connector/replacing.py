"""A file written beside the one whose place it is to take, whole and on the disk, so that no moment has half of it."""

import os
import tempfile


def write_beside(target: str, data: bytes, *, mode: int, prefix: str) -> str:
    """Write data to a new file in the folder of `target` and give its name; `os.replace` puts it in place.

    Raises OSError, and leaves nothing then. `target` is no link: the caller has followed it.
    """
    handle, name = tempfile.mkstemp(prefix=prefix, dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
    except OSError:
        os.unlink(name)
        raise
    return name
