#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image; /autograder/source is the unpacked bundle.
set -euo pipefail
cd "$(dirname "$0")"

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends python3 python3-venv
./python_setup
apt-get clean
rm -rf /var/lib/apt/lists/* /root/.cache/pip # so that the image is no larger than it must be
