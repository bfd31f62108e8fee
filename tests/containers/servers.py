"""Run tests on servers in containers, of the images that the compose stack uses: `python -m ... PYTEST-ARGUMENTS`."""

from __future__ import annotations

import os
import sys

import pytest

from deploy.compose.images import ImageSettings, chosen


def main() -> int:
    """Run pytest on these images."""
    images = chosen(ImageSettings())
    os.environ["INSTROOM_TEST_RABBITMQ_IMAGE"] = images["INSTROOM_RABBITMQ_IMAGE"]
    os.environ["INSTROOM_TEST_MONGODB_IMAGE"] = images["INSTROOM_MONGODB_IMAGE"]
    return pytest.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
