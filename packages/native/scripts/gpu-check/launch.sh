#!/bin/sh
# Becomes ./run and ./conformance of the packed folder; the name chooses the program.
here=$(cd "$(dirname "$0")" && pwd)
export LD_LIBRARY_PATH="$here/shared:${LD_LIBRARY_PATH:-}"
export UNICHARACTER_ADDON="${UNICHARACTER_ADDON:-$here/addon/unicharacter_native.node}"
case "$(basename "$0")" in
  conformance)
    # The suite expects an index out of range to be an error of its own call.
    export UNICHARACTER_CUDA_SYNC="${UNICHARACTER_CUDA_SYNC:-1}"
    exec "$here/bin/node" "$here/test/conformance/run.mjs" --bundled "$@"
    ;;
  *) exec "$here/bin/node" "$here/gpu-check/main.mjs" "$@" ;;
esac
