"""`make release VERSION=1.2.3`: write version and changelog, commit them and tag the commit; nothing is pushed.

Refused, with nothing changed, unless the working tree is clean, the version is higher than the last, there is
something to release, and the major part was raised for what breaks users' code.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from collections.abc import Iterator
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
    for reason in _reasons_against(version, log, root):
        raise ReleaseRefusedError(reason)
    before, tag = version_file.read_text(encoding="utf-8"), f"v{version}"
    log_file.write_text(changelog.released(log, version, today.isoformat()), encoding="utf-8")
    version_file.write_text(before.replace(f'"{versions.current(root)}"', f'"{version}"'), encoding="utf-8")
    names = [load.CHANGELOG.name, versions.VERSION_FILE]
    committed = versions.git("commit", "--quiet", "-m", f"Release {version}", "--", *names, root=root)
    if committed is None or versions.git("tag", "-a", tag, "-m", f"codegen-sdk {version}", root=root) is None:
        versions.git("checkout", "--quiet", "HEAD", "--", *names, root=root)
        raise ReleaseRefusedError("git could not commit and tag; does it know who you are (user.name, user.email)?")
    return tag


def _reasons_against(version: str, log: str, root: Path) -> Iterator[str]:
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}", version):
        yield f"{version!r} is not a version such as 1.2.3"
    status = versions.git("status", "--porcelain", root=root)
    if status is None:
        yield f"{root} is not a git repository"
    elif status:
        yield f"the working tree is not clean: {status.splitlines()[0].strip()}"
    if versions.git("rev-parse", "--verify", "--quiet", f"refs/tags/v{version}", root=root) is not None:
        yield f"the tag v{version} is there already"
    if not changelog.unreleased(log):
        yield "CHANGELOG.md has nothing in Unreleased"
    if tag := versions.last_tag(root):
        if versions.parts(version) <= versions.parts(tag):
            yield f"{version} is not higher than {tag}"
        if versions.parts(version)[0] == versions.parts(tag)[0]:
            for broken in public_api.breaks(root):
                yield f"{broken}, so the major version must be raised above that of {tag}"


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
