# Sourced by the scripts beside it: makes or refreshes .venv from a lock file (hashes checked) and sets $bin.
# OUTREACH_VENV names another folder than .venv.
lock=${1:-requirements.lock}
venv=${OUTREACH_VENV:-.venv}
bin=$venv/bin
python=${PYTHON:-python3}

"$python" - <<'PY' || exit 1
import sys
if sys.version_info < (3, 11):
    sys.exit(f"Error: outreach needs Python 3.11 or later; this is {sys.version.split()[0]}. Set PYTHON to a later one.")
PY

wanted=$(cat "$lock" pyproject.toml | cksum)
mark=$venv/installed-$(echo "$lock" | tr / -)
if [[ "$(cat "$mark" 2>/dev/null)" != "$wanted" ]]; then
  echo "Installing into $venv (once) ..." >&2
  [[ -x $bin/python ]] || "$python" -m venv "$venv"
  "$bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" >&2
  "$bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . >&2
  echo "$wanted" > "$mark"
fi
