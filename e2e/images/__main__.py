"""Command line: `python -m e2e.images build operator|inventario|demo-servers|all`.

Progress goes to standard error. Standard output ends with one line per image: the path of the
docker-archive, a tab, and the tag inside it.
"""

import argparse
import sys
from pathlib import Path

from e2e.images.build import build
from e2e.images.catalogue import IMAGES
from e2e.images.process import BuildError

INTERRUPTED = 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m e2e.images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="build images as docker-archive tar files")
    command.add_argument("name", choices=[*IMAGES, "all"])
    command.add_argument("--out", type=Path, metavar="DIR", help="keep the archives in DIR")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Build what the command line names; 0 when every archive is there."""
    arguments = _parser().parse_args(argv)
    names = list(IMAGES) if arguments.name == "all" else [arguments.name]
    try:
        archives = build([IMAGES[name] for name in names], arguments.out)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    for image, path in archives:
        print(f"{path}\t{image.tag}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
