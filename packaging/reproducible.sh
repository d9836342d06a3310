#!/usr/bin/env bash
# Builds the Linux packages twice, in different places, with different settings of the
# machine and without anything of the first build in the second, and compares.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
. packaging/version.sh
export LINUX_TARGETS=${LINUX_TARGETS:-"amd64 arm64"}
mkdir "$work/elsewhere"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$work/elsewhere"
cp -r .git "$work/elsewhere/"
packaging/build.sh "$work/one"
(cd "$work/elsewhere" && umask 077 && TZ=Asia/Shanghai LC_ALL=C HOSTNAME=elsewhere GOCACHE=$work/cache packaging/build.sh "$work/two")
diff "$work/one/SHA256SUMS" "$work/two/SHA256SUMS"
(cd "$work/two" && sha256sum --quiet -c SHA256SUMS)
echo "✓ built twice, the same: $(wc -l <"$work/one/SHA256SUMS") files"
