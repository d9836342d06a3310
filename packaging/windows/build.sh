#!/usr/bin/env bash
# Builds what Windows machines get, on Linux, into OUT (dist/packages): a setup program, an
# MSI for fleets, and for each processor a portable zip. The same commit gives the same
# bytes, but for signatures with a time stamp.
#
#   SIGN_PFX, SIGN_PASS  sign with this certificate (PKCS#12); SIGN_TSA is the address of a
#                        time stamp service
#   SIGN=throwaway       sign with a certificate made here, to try; OUT/throwaway.crt verifies
#   WINDOWS_ARCHES       of the zips (amd64 386 arm64); setup and MSI are for amd64
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:-dist/packages}")
arches=${WINDOWS_ARCHES:-"amd64 386 arm64"}
here=$PWD/packaging/windows
winres=github.com/tc-hib/go-winres@v0.3.3

. packaging/version.sh
umask 022
export TZ=UTC
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Windows wants four numbers, an MSI looks at three. 1.2.3+4.gabcdef0 is 1.2.3.4; what
# has no tag is 0.0.DAYS.N, which rises with the commits' time.
if [[ $VERSION =~ ^([0-9]+)\.([0-9]+)\.([0-9]+)(\+([0-9]+)\.)? ]] && [[ $VERSION != 0.0.0+* ]]; then
	short=${BASH_REMATCH[1]}.${BASH_REMATCH[2]}.${BASH_REMATCH[3]}
	numbers=$short.${BASH_REMATCH[5]:-0}
else
	short=0.0.$((SOURCE_DATE_EPOCH / 86400 - 18262)) # since 2020
	numbers=$short.$((SOURCE_DATE_EPOCH % 86400 / 2))
fi

# The certificate is for all that follows; sign FILE signs in place.
if [ "${SIGN:-}" = throwaway ]; then
	SIGN_PFX=$work/throwaway.pfx SIGN_PASS=throwaway
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=piaotong-agent throwaway" -addext extendedKeyUsage=codeSigning \
		-keyout "$work/key.pem" -out "$out/throwaway.crt" 2>/dev/null
	openssl pkcs12 -export -inkey "$work/key.pem" -in "$out/throwaway.crt" -passout pass:throwaway -out "$SIGN_PFX"
fi
if [ -n "${SIGN_PFX:-}" ]; then
	(umask 077 && printf '%s' "${SIGN_PASS:-}" >"$work/pass") # not among the arguments, which every user sees
fi
sign() {
	[ -n "${SIGN_PFX:-}" ] || return 0
	osslsigncode sign -pkcs12 "$SIGN_PFX" -readpass "$work/pass" -h sha256 -n "piaotong-agent" -time "$SOURCE_DATE_EPOCH" \
		${SIGN_TSA:+-ts "$SIGN_TSA"} -in "$1" -out "$1.signed" >/dev/null
	mv "$1.signed" "$1"
}

# build ARCH DIR builds the program with icon, version and manifest.
build() {
	CGO_ENABLED=0 GOOS=windows GOARCH=$1 go build -trimpath -buildvcs="$VCS" -ldflags "-s -w -X main.version=$VERSION" -o "$2/piaotong-agent.exe" ./cmd/agent
	cp "$here/icon.png" "$work/"
	sed -e "s/@NUMBERS@/$numbers/g" -e "s/@VERSION@/$VERSION/g" "$here/resources.json" >"$work/resources.json"
	go run $winres patch --in "$work/resources.json" --no-backup "$2/piaotong-agent.exe"
	sign "$2/piaotong-agent.exe"
}

# files DIR puts beside the program what comes with it.
files() {
	cp LICENSE "$1/LICENSE.txt"
	cp README.md README.zh-CN.md config.example.toml "$1/"
	cp -r docs examples "$1/"
	find "$1" -name '*.go' -delete
	for text in localapi/openapi.yaml printer/font/OFL.txt; do
		install -Dm 0644 "$text" "$1/$text"
	done
	# cmd.exe wants its own line ends.
	sed 's/$/\r/' "$here/menu.cmd" >"$1/piaotong-agent-menu.cmd"
	chmod -R u=rwX,go=rX "$1"
}

for arch in $arches; do
	name=piaotong-agent-$VERSION-windows-$arch
	mkdir -p "$work/$arch/$name"
	build "$arch" "$work/$arch/$name"
	files "$work/$arch/$name"
	find "$work/$arch/$name" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
	rm -f "$out/$name.zip"
	(cd "$work/$arch" && find "$name" -type f | LC_ALL=C sort | zip -X -q -@ "$out/$name.zip")
	echo "$name.zip"
done

stage=$work/stage
mkdir "$stage"
if [ ! -d "$work/amd64" ]; then
	mkdir "$work/amd64"
	build amd64 "$work/amd64"
	cp "$work/amd64/piaotong-agent.exe" "$stage/piaotong-agent-setup.exe"
else
	cp "$work"/amd64/*/piaotong-agent.exe "$stage/piaotong-agent-setup.exe"
fi
files "$stage"
cp "$here/icon.ico" "$stage/"
find "$stage" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +

setup=$out/piaotong-agent-$VERSION-setup.exe
# The uninstaller is made while the setup is: makensis calls us to sign it.
printf '#!/bin/sh\nexit 0\n' >"$work/sign-uninstaller"
if [ -n "${SIGN_PFX:-}" ]; then
	declare -f sign >"$work/sign.sh"
	printf '#!/usr/bin/env bash\nset -euo pipefail\nwork=%q SIGN_PFX=%q SIGN_TSA=%q SOURCE_DATE_EPOCH=%q\n. "$work/sign.sh"\nsign "$1"\n' \
		"$work" "$SIGN_PFX" "${SIGN_TSA:-}" "$SOURCE_DATE_EPOCH" >"$work/sign-uninstaller"
fi
chmod +x "$work/sign-uninstaller"
makensis -V2 -INPUTCHARSET UTF8 -DVERSION="$VERSION" -DNUMBERS="$numbers" -DSTAGE="$stage" -DOUT="$setup" -DSIGNER="$work/sign-uninstaller" "$here/installer.nsi"
sign "$setup"
echo "${setup##*/}"

msi=$out/piaotong-agent-$VERSION.msi
"$here/msi.sh" "$stage" "$short" "$numbers" "$VERSION" "$msi"
sign "$msi"
echo "${msi##*/}"
[ -n "${SIGN_PFX:-}" ] || echo "not signed: set SIGN_PFX and SIGN_PASS, or SIGN=throwaway to try"
