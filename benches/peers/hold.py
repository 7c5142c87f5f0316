"""Lets the bench hold a fit back until it has done something else."""

import pathlib
import time


def waited(name):
    """Waits for as long as a file `hold-NAME` lies in the folder."""
    while pathlib.Path(f"hold-{name}").exists():
        time.sleep(0.01)
