"""Delete the spool of processes that are gone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from shipper.spool.folder import instance_folders

if TYPE_CHECKING:
    from pathlib import Path


def remove_spool(root: Path) -> list[str]:
    """Delete what dead processes left, sent or not; living processes keep theirs.

    Returns:
        The instances that still run.

    Raises:
        OSError: something can't be deleted.
    """
    living: list[str] = []
    for folder in instance_folders(root):
        if folder.writer_lives():
            living.append(folder.instance)
        else:
            shutil.rmtree(folder.path)
    for name in ("finished", "refused"):
        shutil.rmtree(root / name, ignore_errors=True)
    if not living:
        shutil.rmtree(root, ignore_errors=True)
    return living
