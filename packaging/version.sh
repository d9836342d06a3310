# Read by the build scripts, at the top of the tree: sets and exports VERSION (unless it is set) and
# SOURCE_DATE_EPOCH, both of the commit, and VCS, whether the program can be told its commit.
# v1.2.3 is 1.2.3; three commits later 1.2.3+3.gabcdef0; without any tag 0.0.0+20261231.gabcdef0.
# Files that are not as committed add .dirty.
VCS=false
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
	SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
fi
if git rev-parse --git-dir >/dev/null 2>&1; then
	VCS=true
fi
if [ -z "${VERSION:-}" ]; then
	if VERSION=$(git describe --tags --match 'v[0-9]*' 2>/dev/null); then
		VERSION=$(echo "${VERSION#v}" | sed -E 's/-([0-9]+)-(g[0-9a-f]+)$/+\1.\2/')
	else
		VERSION=0.0.0+$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d).g$(git rev-parse --short=7 HEAD)
	fi
	if [ -n "$(git status --porcelain)" ]; then
		case $VERSION in *+*) VERSION=$VERSION.dirty ;; *) VERSION=$VERSION+dirty ;; esac
	fi
fi
export VERSION SOURCE_DATE_EPOCH VCS
