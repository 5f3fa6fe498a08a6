"""Static files: collected under names that change with their content, each also compressed beforehand.

An installation collects once per release into a folder of its data folder, named by what the files are made
from; where that folder is missing (tests, a program started by hand) they are served as they lie in the
packages. Browsers keep collected files for ever.
"""

import hashlib
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent.parent
#: Installed packages that bring static files, or that decide how they are named and compressed.
SOURCES = ("django", "django-unfold", "django-htmx", "whitenoise", "Brotli")
LAYOUT = "1"
MANIFEST = "staticfiles.json"
COLLECTED = "whitenoise.storage.CompressedManifestStaticFilesStorage"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
RESOURCE_POLICY = "Cross-Origin-Resource-Policy"


def fingerprint() -> str:
    """What the collected files are made from; another one needs another collection."""
    digest = hashlib.sha256(LAYOUT.encode())
    for package in SOURCES:
        digest.update(f"{package}={metadata.version(package)}".encode())
    for path in sorted(path for path in PACKAGE.glob("*/static/**/*") if path.is_file()):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def folder(data_dir: Path) -> Path:
    """Where this release's collected files are, or will be."""
    return data_dir / "static" / fingerprint()


def root(data_dir: Path) -> Path | None:
    """That folder, if everything is in it: it gets its name last."""
    found = folder(data_dir)
    return found if (found / MANIFEST).is_file() else None


def add_headers(headers: Any, path: str, url: str) -> None:
    """Nobody else's pages may use our files."""
    del path, url
    headers[RESOURCE_POLICY] = "same-origin"
