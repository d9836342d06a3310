#!/usr/bin/env bash
# msi.sh STAGE SHORT NUMBERS VERSION OUT builds the MSI of what build.sh has put into
# STAGE; SHORT and NUMBERS are the version in three and in four numbers. The same files
# give the same bytes: the ids of product and package are made of what is in it, and
# the tools are told the commit's time, which they write down.
set -euo pipefail
stage=$1 short=$2 numbers=$3 version=$4 out=$5
wxs=$(realpath "$(dirname "$0")/installer.wxs")
# id NAME is a GUID made of a name and of all that is packed.
digest=$(cd "$stage" && find . -type f | LC_ALL=C sort | xargs -d '\n' cat "$wxs" | sha256sum | cut -c1-64)
id() { printf '%s %s %s' "$1" "$version" "$digest" | sha256sum | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-5\3-8\4-\5/' | tr a-f A-F; }
rm -f "$out"
at_commit() { TZ=UTC faketime -f "$(date -u -d "@$SOURCE_DATE_EPOCH" +"%Y-%m-%d %H:%M:%S")" "$@"; }
(cd "$stage" && at_commit wixl --arch x64 -D SHORT="$short" -D VERSION="$version" -D PRODUCT="$(id product)" -o "$out" "$wxs")
# What wixl leaves out: that the same version is older too, that the program has a
# version (or Windows would not replace it), that PURGE reaches the part which runs as
# SYSTEM, and the removal of what the program leaves beside itself.
query() { at_commit msibuild "$out" -q "$1"; }
upgrade=$(sed -nE 's/.*UpgradeCode="([^"]*)".*/{\U\1}/p' "$wxs")
query "DELETE FROM Upgrade WHERE ActionProperty = 'OLDER'"
query "INSERT INTO Upgrade (UpgradeCode, VersionMin, VersionMax, Attributes, ActionProperty) VALUES ('$upgrade', '0.0.0', '$short', 768, 'OLDER')"
query "UPDATE File SET Version = '$numbers', Language = '1033' WHERE File = 'Payload'"
query "UPDATE Property SET Value = 'OLDER;NEWER;PURGE' WHERE Property = 'SecureCustomProperties'"
query "INSERT INTO RemoveFile (FileKey, Component_, FileName, DirProperty, InstallMode) VALUES ('Report', 'Program', 'setup.txt', 'INSTALLDIR', 2)"
at_commit msibuild "$out" -s "piaotong-agent $version" piaotong-agent 'x64;1033' "{$(id package)}"
