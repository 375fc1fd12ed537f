"""The answers to the questions of Debian's installer (installation guide, appendix B). Python's standard
library only."""

import shutil
import subprocess
import sys


def crypt(password):
    """SHA-512 crypt, which Python has no longer."""
    for command in (["openssl", "passwd", "-6", "-stdin"], ["mkpasswd", "-m", "sha-512", "--stdin"]):
        if shutil.which(command[0]):
            result = subprocess.run(command, input=password + "\n", capture_output=True, text=True, check=True)
            return result.stdout.strip()
    sys.exit("install-debian: needs openssl (or mkpasswd of the package whois) to encode passwords")


def answers(o):
    """o: release (codename), host, directory, proxy, hostname, user, password, root_password, timezone, packages,
    and the texts of late()."""
    lines = f"""
debian-installer/locale string C.UTF-8
localechooser/supported-locales multiselect
keyboard-configuration/xkb-keymap select us
console-setup/ask_detect boolean false

netcfg/choose_interface select auto
netcfg/get_hostname string {o.hostname}
netcfg/get_domain string
netcfg/hostname string {o.hostname}
hw-detect/load_firmware boolean false
hw-detect/firmware-lookup string never

mirror/country string manual
mirror/protocol string http
mirror/http/hostname string {o.host}
mirror/http/directory string {o.directory}
mirror/http/proxy string {o.proxy}
mirror/suite string {o.release}
mirror/udeb/suite string {o.release}

clock-setup/utc boolean true
clock-setup/ntp boolean false
time/zone string {o.timezone}

partman-auto/disk string /dev/vda
partman-auto/method string regular
partman-auto/expert_recipe string root :: 800 1000 -1 ext4 $primary{{ }} $bootable{{ }} method{{ format }} format{{ }} use_filesystem{{ }} filesystem{{ ext4 }} mountpoint{{ / }} .
partman-auto/choose_recipe select root
partman-basicfilesystems/no_swap boolean false
partman-partitioning/confirm_write_new_label boolean true
partman/choose_partition select finish
partman/confirm boolean true
partman/confirm_nooverwrite boolean true
partman/mount_style select uuid

base-installer/install-recommends boolean false
base-installer/kernel/image string linux-image-armmp
base-installer/initramfs-tools/driver-policy select {o.driver_policy}

passwd/root-login boolean true
passwd/root-password-crypted password {crypt(o.root_password)}
passwd/make-user boolean {"true" if o.user else "false"}

apt-setup/services-select multiselect
apt-setup/enable-source-repositories boolean false
apt-setup/cdrom/set-first boolean false
apt-setup/non-free-firmware boolean false

pkgsel/run_tasksel boolean false
tasksel/first multiselect
pkgsel/include string {o.packages}
pkgsel/upgrade select none
pkgsel/update-policy select none
popularity-contest/participate boolean false

grub-installer/skip boolean true
nobootloader/confirmation_common note
flash-kernel/no_such_kernel note

finish-install/keep-consoles boolean true
finish-install/reboot_in_progress note
debian-installer/exit/poweroff boolean true
cdrom-detect/eject boolean false

preseed/early_command string sh /armature/early
preseed/late_command string sh /armature/late
"""
    owned = [f"d-i {line}" for line in lines.splitlines() if line]
    if o.user:
        owned += [f"d-i passwd/user-fullname string {o.user}", f"d-i passwd/username string {o.user}",
                  f"d-i passwd/user-password-crypted password {crypt(o.password)}"]
    owned += ["man-db man-db/auto-update boolean false", "popularity-contest popularity-contest/participate boolean false"]
    return "\n".join(owned) + "\n"


# The second serial port shows what the installer does.
EARLY = """#!/bin/sh
(tail -n +1 -f /var/log/syslog >/dev/ttyAMA1 2>/dev/null) &
"""


def late(o):
    """What the installer leaves behind that was for the installation only goes; the real sources come."""
    sources = "".join(f"deb {uri} {suite} main{o.firmware}\n" for uri, suite in o.sources)
    lines = ["#!/bin/sh", "set -e", f"cat >/target/etc/apt/sources.list <<'END'\n{sources}END",
             "rm -f /target/etc/apt/apt.conf.d/00InstallRecommends", "rm -f /target/etc/apt/sources.list.d/*",
             # The proxy of the installation.
             ": >/target/etc/apt/apt.conf",
             "[ -s /target/etc/default/locale ] || echo LANG=C.UTF-8 >/target/etc/default/locale",
             "rm -f /target/var/cache/apt/archives/*.deb",
             "echo man-db man-db/auto-update boolean true | in-target debconf-set-selections || true"]
    if o.apt_proxy:
        lines.append("echo 'Acquire::http::Proxy \"%s\";' >/target/etc/apt/apt.conf.d/80proxy" % o.apt_proxy)
    lines += ["sync", "logger -t armature 'the system is installed'"]
    return "\n".join(lines) + "\n"
