#!/usr/bin/env python3
"""Builds the Debian package and looks into it.

deb.py CPACK BUILD"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

# lintian's complaints that are true, and for whoever publishes a package to settle: address and licence.
KNOWN = {"bogus-mail-host", "bogus-mail-host-in-debian-changelog", "copyright-without-copyright-notice"}
FILES = ["./usr/bin/armature", "./usr/share/man/man1/armature.1.gz", "./usr/share/doc/armature/copyright",
         "./usr/share/doc/armature/changelog.gz", "./usr/share/bash-completion/completions/armature",
         "./usr/share/zsh/vendor-completions/_armature", "./usr/share/fish/vendor_completions.d/armature.fish"]

failures = []


def check(ok, what):
    if not ok:
        failures.append(what)


def run(argv, **more):
    result = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **more)
    return result.returncode, result.stdout + result.stderr


def check_control(package):
    control = run(["dpkg-deb", "-f", package])[1]
    fields = dict(re.findall(r"^(\S+): (.*)$", control, flags=re.M))
    needs = {re.split(r"[ :(]", part)[0] for part in fields.get("Depends", "").split(", ")}
    check(fields.get("Package") == "armature", f"control: {control}")
    check("libc6" in needs, f"the dependencies lack libc6: {needs}")
    # What is loaded only when it is needed; what the host did not have when this was built is not asked for.
    wishes = {re.split(r"[ :(]", part)[0] for part in fields.get("Recommends", "").split(", ")}
    for package in ("libsdl2-2.0-0", "libnbd0"):
        present = run(["dpkg-query", "-W", "-f=${db:Status-Status}", package])[1] == "installed"
        check(package not in needs and (package in wishes or not present), f"{package}: {needs}, recommended {wishes}")
    return needs


def check_libraries(program, needs):
    """Each library that the program loads comes from a package that is asked for."""
    for path in re.findall(r"=> (/\S+)", run(["ldd", program])[1]):
        direct = os.path.basename(path) in run(["objdump", "-p", program])[1]
        code, text = run(["dpkg", "-S", os.path.realpath(path)])
        if direct and code == 0:
            owner = re.split(r"[:,]", text)[0]
            check(owner in needs, f"{path} belongs to {owner}, which is no dependency")


def main():
    cpack, build = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        code, text = run([cpack, "-G", "DEB", "-B", folder], cwd=build)
        packages = [name for name in os.listdir(folder) if name.endswith(".deb")]
        if code or len(packages) != 1:
            raise SystemExit(f"cpack failed: {text}")
        package = os.path.join(folder, packages[0])
        check(re.fullmatch(r"armature_[0-9.]+_[a-z0-9]+\.deb", packages[0]), f"the package's name is {packages[0]}")
        needs = check_control(package)
        names = re.findall(r"(\./\S+)$", run(["dpkg-deb", "-c", package])[1], flags=re.M)
        for name in FILES:
            check(name in names, f"the package lacks {name}")
        check(all(name == "./" or name.startswith("./usr/") for name in names), f"something lies outside of /usr: {names}")
        check(run(["dpkg-deb", "-x", package, folder + "/root"])[0] == 0, "the package cannot be unpacked")
        program = folder + "/root/usr/bin/armature"
        check_libraries(program, needs)
        code, text = run([program, "--no-config", "--version"])
        check(code == 0 and text.startswith("armature "), f"--version: {code} {text}")
        if shutil.which("lintian"):
            text = run(["lintian", "--allow-root", package])[1]
            for line in re.findall(r"^[EW]: .*$", text, flags=re.M):
                check(line.split()[2] in KNOWN, f"lintian: {line}")
    print("\n".join(failures) or "the package is fine")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
