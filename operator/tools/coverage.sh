#!/usr/bin/env bash
# Joins what the test processes recorded and holds it against the two bounds.
set -euo pipefail
cd "$(dirname "$0")/../.."
coverage=.venv/bin/coverage
"$coverage" combine --quiet
"$coverage" report --precision=1 --fail-under=85 | tail -n 60
printf 'core/: '
"$coverage" report --precision=1 --include='*/resilience_operator/core/*' --fail-under=95 | tail -n 1
