#!/usr/bin/env bash
# The wheel lies beside this script in the autograder's zip: `python -m pip wheel --no-deps -w . PATH/TO/CLONE` makes it.
set -euo pipefail
apt-get install -y python3-pip bubblewrap
python3 -m pip install --break-system-packages /autograder/source/npreg-*.whl gradescope-utils
