#!/usr/bin/env bash
# Builds what is given out, into OUT (dist/packages): for each Linux a deb, an rpm and a
# tar.gz; beside them the list of parts (SBOM) and SHA256SUMS over everything in OUT,
# so whatever else belongs into it, such as the Windows files, is built before.
# The same commit gives the same bytes. VERSION is the commit's tag by default.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "${1:-dist/packages}")
targets=${LINUX_TARGETS:-"amd64 arm64 arm loong64 riscv64"}
nfpm=github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2

. packaging/version.sh
umask 022
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for shell in bash zsh; do
	go run ./cmd/agent completion $shell --name piaotong-agent >"$work/completion.$shell"
done

for target in $targets; do
	stage=$work/$target/stage
	doc=$stage/usr/share/doc/piaotong-agent
	install -d "$stage/usr/bin" "$doc"
	CGO_ENABLED=0 GOOS=linux GOARCH=$target GOARM=7 go build -trimpath -buildvcs="$VCS" -ldflags "-s -w -X main.version=$VERSION" -o "$stage/usr/bin/piaotong-agent" ./cmd/agent
	install -Dm 0644 packaging/systemd/piaotong-agent.service "$stage/usr/lib/systemd/system/piaotong-agent.service"
	install -Dm 0644 packaging/systemd/piaotong-agent.sysusers "$stage/usr/lib/sysusers.d/piaotong-agent.conf"
	install -Dm 0644 packaging/linux/60-piaotong-agent.rules "$stage/usr/lib/udev/rules.d/60-piaotong-agent.rules"
	install -Dm 0644 "$work/completion.bash" "$stage/usr/share/bash-completion/completions/piaotong-agent"
	install -Dm 0644 "$work/completion.zsh" "$stage/usr/share/zsh/vendor-completions/_piaotong-agent"
	install -m 0644 README.md README.zh-CN.md config.example.toml "$doc"
	install -m 0644 LICENSE "$doc/copyright"
	cp -r docs examples "$doc"
	find "$doc" -name '*.go' -delete
	for text in localapi/openapi.yaml printer/font/OFL.txt; do
		install -Dm 0644 "$text" "$doc/$text"
	done
	chmod -R u=rwX,go=rX "$stage"
	find "$stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

	for packager in ${LINUX_PACKAGES:-deb rpm}; do
		# nfpm knows GOARCH's names but arm's, whose versions have names of their own.
		PKG_ARCH=${target/%arm/arm7} PKG_VERSION=$VERSION PKG_STAGE=$stage go run $nfpm package --config packaging/nfpm.yaml --packager "$packager" --target "$out" >"$work/nfpm.log" || { cat "$work/nfpm.log" >&2; exit 1; }
	done

	name=piaotong-agent-$VERSION-linux-$target
	tree=$work/$target/$name
	cp -rp "$doc" "$tree"
	mv "$tree/copyright" "$tree/LICENSE"
	cp -p "$stage/usr/bin/piaotong-agent" "$tree/"
	touch -d "@$SOURCE_DATE_EPOCH" "$tree"
	tar --sort=name --owner=0 --group=0 --numeric-owner --format=ustar --mtime="@$SOURCE_DATE_EPOCH" -C "$work/$target" -c "$name" | gzip -9n >"$out/$name.tar.gz"
	mv "$stage/usr/bin/piaotong-agent" "$work/piaotong-agent-linux-$target"
	echo "linux/$target: deb, rpm, tar.gz"
done

programs=("$work"/piaotong-agent-linux-*)
go run ./packaging/sbom -version "$VERSION" "${programs[@]}" >"$out/piaotong-agent-$VERSION.cdx.json"
cd "$out"
rm -f SHA256SUMS
find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum >"$work/SHA256SUMS"
mv "$work/SHA256SUMS" SHA256SUMS
echo "$out: $(wc -l <SHA256SUMS) files, version $VERSION"
