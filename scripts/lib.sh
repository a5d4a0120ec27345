# Sourced by the other scripts: locates the tools, and prints one clear line if one is missing.
# shellcheck shell=bash
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=$root/.tools
export SAM_CLI_TELEMETRY=0

# missing WHAT WHY: prints both and exits with status 2, as for any invalid input.
missing() {
  echo "$1: $2" >&2
  exit 2
}

# Prints the path of a CPython 3.13 with pip, the functions' runtime: $PYTHON313, otherwise pyenv's, otherwise the one on
# PATH. A shim or an environment without pip is not sufficient, because `sam build` runs its pip.
find_python() {
  local candidate
  for candidate in "${PYTHON313:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.13.*/bin/python3.13 \
    $(type -ap python3.13 2>/dev/null || true); do
    [ -x "$candidate" ] || continue
    case $candidate in */shims/*) continue ;; esac
    if "$candidate" -c 'import sys, pip; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  missing "python3.13 with pip" "not found; install it (pyenv install 3.13) or set PYTHON313=/path/to/python3.13"
}

# find_tool ENVIRONMENT PROGRAM: prints the path of a program in the tool's own environment.
find_tool() {
  local program=$tools/$1/bin/$2
  [ -x "$program" ] || missing "$2" "not installed; run scripts/ci/install-tool $1"
  echo "$program"
}

need_docker() {
  type -p docker >/dev/null || missing "docker" "not installed; run scripts/ci/docker-engine install (Debian, as root)"
  docker info >/dev/null 2>&1 || missing "Docker engine" "does not respond; run scripts/ci/docker-engine start (as root)"
}
