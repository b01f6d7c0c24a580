"""`make release VERSION=1.2.3`: write version and changelog, commit them and tag the commit; nothing is pushed.

Refused, with nothing changed, unless the working tree is clean, the version is higher than the last, there is
something to release, and the major part was raised for what breaks users' code.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

from tools import changelog, load, public_api, versions


class ReleaseRefusedError(Exception):
    """The release cannot be prepared; the message says why."""


def release(version: str, today: datetime.date, root: Path = load.ROOT) -> str:
    """Prepare a release in the repository at `root`; returns the name of the tag.

    Raises:
        ReleaseRefusedError: for a version, a changelog or a working tree that is not ready; nothing is changed then.

    """
    log_file, version_file = root / load.CHANGELOG.name, root / versions.VERSION_FILE
    log = log_file.read_text(encoding="utf-8")
    _refuse(version, log, root)
    tag = f"v{version}"
    before = version_file.read_text(encoding="utf-8")
    log_file.write_text(changelog.released(log, version, today.isoformat()), encoding="utf-8")
    version_file.write_text(before.replace(f'"{versions.version_in(before)}"', f'"{version}"'), encoding="utf-8")
    names = [load.CHANGELOG.name, versions.VERSION_FILE]
    committed = versions.git("commit", "--quiet", "-m", f"Release {version}", "--", *names, root=root)
    if committed is None or versions.git("tag", "-a", tag, "-m", f"codegen-sdk {version}", root=root) is None:
        if committed is not None:
            versions.git("reset", "--quiet", "--soft", "HEAD~1", root=root)
        versions.git("checkout", "--quiet", "HEAD", "--", *names, root=root)
        raise ReleaseRefusedError("git could not commit and tag; does it know who you are (user.name, user.email)?")
    return tag


def _refuse(version: str, log: str, root: Path) -> None:
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        raise ReleaseRefusedError(f"{version!r} is not a version such as 1.2.3")
    status = versions.git("status", "--porcelain", root=root)
    if status is None:
        raise ReleaseRefusedError(f"{root} is not a git repository")
    if status:
        raise ReleaseRefusedError(f"the working tree is not clean: {status.splitlines()[0].strip()}")
    if versions.git("rev-parse", "--verify", "--quiet", f"refs/tags/v{version}", root=root) is not None:
        raise ReleaseRefusedError(f"the tag v{version} is there already")
    if not changelog.unreleased(log):
        raise ReleaseRefusedError("CHANGELOG.md has nothing in Unreleased")
    tag = versions.last_tag(root)
    if tag is None:
        return
    if _parts(version) <= _parts(tag):
        raise ReleaseRefusedError(f"{version} is not higher than {tag}")
    if versions.major(version) > versions.major(tag):
        return
    for broken in public_api.breaks(root):
        raise ReleaseRefusedError(f"{broken}, so the major version must be raised above that of {tag}")


def _parts(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="such as 1.2.3")
    given = parser.parse_args(arguments)
    try:
        tag = release(given.version, datetime.datetime.now(datetime.UTC).date())
    except ReleaseRefusedError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{tag} is ready; publish it with: git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main())
