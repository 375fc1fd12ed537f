# Shared by the scripts beside it; to be sourced by bash. Sets $root, the top of the source tree.

set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() {
    printf '== %s\n' "$*" >&2
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# What a build needs, and what the tests need on top of that.
build_packages=(cmake ninja-build pkg-config gcc libc6-dev libfdt-dev zlib1g-dev liblua5.4-dev libffi-dev
    libjansson-dev libedit-dev libpng-dev libdw-dev libext2fs-dev libslirp-dev libsdl2-dev libnbd-dev libblkid-dev
    device-tree-compiler gcc-arm-linux-gnueabihf)
test_packages=(clang clang-format libcmocka-dev libcapstone-dev libc6-dev-armhf-cross qemu-user python3
    zsh fish man-db libxml2-utils parallel dpkg-dev lintian xvfb xdotool x11-apps xclip openbox qemu-utils nbdkit
    e2fsprogs fdisk dosfstools mtools gdb-multiarch)

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "root is needed for: $* (install sudo, or run this as root once)"
    fi
}

# install_missing REASON PACKAGE...: does nothing, and needs no root, if all are there.
install_missing() {
    local reason=$1 package missing=()
    shift
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null ||
        die "this script installs what it needs with apt, which is not there; needed are (Debian's names): $*"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing ${missing[*]} ($reason)"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

# configure DIRECTORY CMAKE_OPTION...: only if needed; cmake itself notices changed lists.
configure() {
    local directory=$1
    shift
    # A tree that was moved or copied cannot use the old cache.
    if [ -f "$directory/CMakeCache.txt" ] &&
        ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$directory/CMakeCache.txt"; then
        rm -rf "$directory"
    fi
    cmake -S "$root" -B "$directory" -G Ninja "$@" >/dev/null || die "cmake failed"
}

# build_emulator: build/armature, up to date.
build_emulator() {
    install_missing "to build the emulator" "${build_packages[@]}"
    if [ ! -f "$root/build/CMakeCache.txt" ]; then
        say "Building the emulator in $root/build"
        configure "$root/build" -DBUILD_TESTING=OFF
    else
        configure "$root/build"
    fi
    cmake --build "$root/build" --target armature >&2 || die "the build failed"
}

# ---- Debian's installer images -----------------------------------------------------------------------------------

cache=${XDG_CACHE_HOME:-$HOME/.cache}/armature

debian_codename() {
    case $1 in
    11) echo bullseye ;;
    12) echo bookworm ;;
    13) echo trixie ;;
    *) die "there is no Debian release \"$1\" here; known are 11, 12 and 13" ;;
    esac
}

# Mirrors of Debian itself in the host's apt configuration, best first: lines "URI [KEYRING]". Other archives may use
# Debian's suite names too, so a path that ends in "debian" goes first; a wrong one fails the signature check.
# debian_mirrors security: those of security updates instead.
debian_mirrors() {
    local suites='^(stable|oldstable|oldoldstable|testing|unstable|sid|bullseye|bookworm|trixie|forky)(-updates)?$'
    local file
    [ "${1:-}" != security ] || suites='-security$'
    {
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
            [ -r "$file" ] || continue
            # deb [arch=amd64 signed-by=/a/keyring.gpg] http://mirror.example/debian bookworm main
            awk -v suites="$suites" '
                { sub(/#.*/, ""); key = "" }
                $1 != "deb" { next }
                match($0, /\[[^]]*\]/) {
                    options = substr($0, RSTART + 1, RLENGTH - 2)
                    $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
                    if (match(options, /signed-by=[^ ]*/)) key = substr(options, RSTART + 10, RLENGTH - 10)
                }
                $3 ~ suites && / main( |$)/ { print $2, key }' "$file"
        done
        for file in /etc/apt/sources.list.d/*.sources; do
            [ -r "$file" ] || continue
            awk -v suites="$suites" '
                function finish(  i, j, u, s) {
                    if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false|0)$/ && components ~ /(^| )main( |$)/)
                        for (i = split(sets, s, " "); i > 0; i--)
                            if (s[i] ~ suites) {
                                split(uris, u, " ")
                                for (j = 1; j in u; j++) print u[j], (key ~ /^\// ? key : "")
                                break
                            }
                    types = uris = sets = components = key = enabled = ""
                }
                /^#/ { next }
                /^[ \t]*$/ { finish(); next }
                { field = tolower($1); $1 = ""; sub(/^ /, "") }
                field == "types:" { types = $0 }
                field == "uris:" { uris = $0 }
                field == "suites:" { sets = $0 }
                field == "components:" { components = $0 }
                field == "signed-by:" { key = $0 }
                field == "enabled:" { enabled = $0 }
                END { finish() }' "$file"
        done
    } | grep -v '^cdrom:' | awk '!seen[$1]++ { print ($1 ~ /debian(\.list)?\/?$/ ? 0 : 1), $0 }' |
        sort -s -n -k 1,1 | cut -d ' ' -f 2-
}

# private_apt DIRECTORY COMMAND...: apt-get on a state of its own under DIRECTORY, for armhf, no root needed. Proxies,
# trusted keys and so on are the host's.
private_apt() {
    local directory=$1
    shift
    apt-get -c "$directory/apt.conf" "$@"
}

make_private_apt() {
    local directory=$1 suite=$2 mirror=$3 keyring=$4 options='arch=armhf'
    [ -n "$keyring" ] || keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    # Without a keyring file the host's trusted keys (/etc/apt/trusted.gpg.d) are used; the check stays on.
    [ -r "$keyring" ] && options+=" signed-by=$keyring"
    mkdir -p "$directory"/{state/lists/partial,cache/archives/partial}
    : >"$directory/status"
    echo "deb [$options] $mirror $suite main" >"$directory/sources.list"
    cat >"$directory/apt.conf" <<CONF
Dir::State "$directory/state";
Dir::State::status "$directory/status";
Dir::Cache "$directory/cache";
Dir::Etc::sourcelist "$directory/sources.list";
Dir::Etc::sourceparts "/dev/null";
#clear APT::Architectures;
APT::Architecture "armhf";
APT::Architectures { "armhf"; };
APT::Sandbox::User "root";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
CONF
}

# fetch_package RELEASE PACKAGE DIRECTORY: downloads PACKAGE for armhf into DIRECTORY.
fetch_package() {
    local release=$1 package=$2 directory=$3 suite mirror keyring
    suite=$(debian_codename "$release")
    while read -r mirror keyring; do
        rm -rf "$directory/apt"
        make_private_apt "$directory/apt" "$suite" "$mirror" "$keyring"
        say "Fetching $package (Debian $release, $suite) from $mirror"
        # Progress goes to stderr: callers may use stdout.
        if private_apt "$directory/apt" update >&2 &&
            (cd "$directory" && private_apt "$directory/apt" download "$package" >&2); then
            rm -rf "$directory/apt"
            return 0
        fi
        say "That did not work"
    done < <(debian_mirrors)
    die "could not fetch $package from any of the Debian mirrors in the apt configuration"
}

# fetch_installer RELEASE: prints the folder with vmlinuz, initrd.gz and vexpress-v2p-ca9.dtb; no network if it is there.
fetch_installer() {
    local release=$1 target=$cache/debian-installer-$1 work images
    debian_codename "$release" >/dev/null
    if [ -d "$target" ]; then
        echo "$target"
        return
    fi
    install_missing "to check the signatures of Debian's packages" debian-archive-keyring
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/fetching.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf '$work'" EXIT
    fetch_package "$release" "debian-installer-$release-netboot-armhf" "$work"
    mkdir "$work/unpacked" "$work/images"
    dpkg-deb -x "$work"/debian-installer-*.deb "$work/unpacked"
    images=$work/unpacked/usr/lib/debian-installer/images/$release/armhf/text/debian-installer/armhf
    mv "$images/vmlinuz" "$images/initrd.gz" "$images/dtbs/vexpress-v2p-ca9.dtb" "$work/images" ||
        die "the package does not hold what it should"
    # A rename is all or nothing; if another run was faster, its files are as good.
    mv -T "$work/images" "$target" 2>/dev/null || [ -d "$target" ] || die "cannot write $target"
    rm -rf "$work"
    trap - EXIT
    echo "$target"
}

# fetch_busybox RELEASE: prints the path of Debian's statically linked busybox for armhf; no network if it is there.
fetch_busybox() {
    local release=$1 target=$cache/busybox-static-$1 work
    debian_codename "$release" >/dev/null
    if [ ! -d "$target" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/fetching.XXXXXX")
        # shellcheck disable=SC2064
        trap "rm -rf '$work'" EXIT
        fetch_package "$release" busybox-static "$work"
        mkdir "$work/unpacked" "$work/program"
        dpkg-deb -x "$work"/busybox-static_*.deb "$work/unpacked"
        find "$work/unpacked" -name busybox -type f -exec mv {} "$work/program/busybox" \;
        [ -f "$work/program/busybox" ] || die "the package does not hold what it should"
        mv -T "$work/program" "$target" 2>/dev/null || [ -d "$target" ] || die "cannot write $target"
        rm -rf "$work"
        trap - EXIT
    fi
    echo "$target/busybox"
}

# fetch_kernel RELEASE: prints the folder with vmlinuz and modules/ of Debian's kernel package; no network if it is there.
fetch_kernel() {
    local release=$1 target=$cache/debian-kernel-$1 work package
    debian_codename "$release" >/dev/null
    if [ ! -d "$target" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$cache/fetching.XXXXXX")
        # shellcheck disable=SC2064
        trap "rm -rf '$work'" EXIT
        fetch_package "$release" linux-image-armmp "$work"
        package=$(dpkg-deb -f "$work"/linux-image-armmp_*.deb Depends | grep -o '^linux-image-[^ ]*')
        fetch_package "$release" "$package" "$work"
        mkdir "$work/unpacked" "$work/kernel"
        dpkg-deb -x "$work/$package"_*.deb "$work/unpacked"
        mv "$work"/unpacked/boot/vmlinuz-* "$work/kernel/vmlinuz" || die "the package does not hold what it should"
        # Since Debian 13 everything is below /usr.
        mv "$work"/unpacked/lib/modules/*/kernel "$work/kernel/modules" 2>/dev/null ||
            mv "$work"/unpacked/usr/lib/modules/*/kernel "$work/kernel/modules" ||
            die "the package does not hold what it should"
        mv -T "$work/kernel" "$target" 2>/dev/null || [ -d "$target" ] || die "cannot write $target"
        rm -rf "$work"
        trap - EXIT
    fi
    echo "$target"
}
