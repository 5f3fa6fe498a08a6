"""`everline prepare-static`: static files as browsers get them. No database is needed."""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.management.commands.collectstatic import Command as Collect
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

from everline.config import static


def prepare_static(words: Sequence[str]) -> int:
    """`everline prepare-static`: collect and compress the static files of this release; forget older ones."""
    argparse.ArgumentParser("everline prepare-static", description=prepare_static.__doc__).parse_args(words)
    django.setup()
    folder = static.folder(settings.EVERLINE_DATA_DIR)
    if static.root(settings.EVERLINE_DATA_DIR) is None:
        collect(folder)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other)
    return 0


def collect(folder: Path) -> None:
    """Make the folder; it gets its name when everything is in it."""
    draft = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    command = Collect()
    command.storage = CompressedManifestStaticFilesStorage(location=draft)
    call_command(command, interactive=False, verbosity=0)
    draft.rename(folder)
