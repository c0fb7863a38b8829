#!/usr/bin/env bash
# The tests that need a browser: Debian's chromium, installed where it is missing and can be. Where it cannot,
# install-peers.sh says so and the tests count as skipped. Arguments go to jest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

bash test/support/install-peers.sh chromium
exec npx jest --config test/browser/jest.config.cjs "$@"
