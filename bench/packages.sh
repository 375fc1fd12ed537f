#!/bin/bash
# Unpacks Debian packages for armhf with all that they depend on. Needs no root; asks the host's own apt configuration
# where Debian is.
#
#   bench/packages.sh RELEASE DIRECTORY PACKAGE...
#
# DIRECTORY appears complete or not at all; DIRECTORY/root is the tree, DIRECTORY/versions has a line "package version"
# for each.
. "$(dirname "$0")/../scripts/lib.sh"

# What no program needs to run.
unneeded=(usr/share/{doc,man,info,locale,lintian,bug,zsh,bash-completion,perl5/Debconf,debconf,i18n,gdb,common-licenses}
    usr/lib/arm-linux-gnueabihf/{gconv,audit} var)

download() {
    local directory=$1 mirror keyring
    shift
    while read -r mirror keyring; do
        rm -rf "$directory/apt"
        make_private_apt "$directory/apt" "$suite" "$mirror" "$keyring"
        say "Fetching $* and what they depend on (Debian $release, $suite) from $mirror"
        if private_apt "$directory/apt" update >&2 &&
            private_apt "$directory/apt" install --yes --download-only --no-install-recommends "$@" >&2; then
            return 0
        fi
        say "That did not work"
    done < <(debian_mirrors)
    die "could not fetch $* from any of the Debian mirrors in the apt configuration"
}

# With /bin, /lib and /sbin as links into /usr, as on every Debian 12.
unpack() {
    local directory=$1 package folder
    for folder in bin lib sbin; do
        mkdir -p "$directory/root/usr/$folder"
        ln -s "usr/$folder" "$directory/root/$folder"
    done
    for package in "$directory"/apt/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$package" |
            tar -x --keep-directory-symlink --no-same-owner -C "$directory/root"
        dpkg-deb --show --showformat '${Package} ${Version}\n' "$package" >>"$directory/versions"
    done
    for folder in "${unneeded[@]}"; do
        rm -rf "$directory/root/$folder"
    done
}

[ $# -ge 3 ] || die "usage: packages.sh RELEASE DIRECTORY PACKAGE..."
release=$1 target=$2
shift 2
[ ! -d "$target" ] || exit 0
suite=$(debian_codename "$release")
install_missing "to check the signatures of Debian's packages" debian-archive-keyring
mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
download "$work" "$@"
unpack "$work"
rm -rf "$work/apt"
mv -T "$work" "$target" 2>/dev/null || [ -d "$target" ] || die "cannot write $target"
