#!/usr/bin/env python3
"""Installs into a folder and uses what is there: program, manual page, completion, documents.

install.py CMAKE BUILD SOURCE"""

import glob
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

failures = []


def check(ok, what):
    if not ok:
        failures.append(what)


def run(argv, **more):
    more.setdefault("env", clean_environment())
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL, **more)


def clean_environment():
    """Without the user's own settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ARMATURE_")}
    env["XDG_CONFIG_HOME"] = "/nonexistent"
    return env


def read(path):
    if path.endswith(".gz"):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return file.read()
    with open(path, encoding="utf-8") as file:
        return file.read()


def install(cmake, build, prefix, folder):
    env = dict(os.environ, DESTDIR=folder)
    result = run([cmake, "--install", build, "--prefix", prefix], env=env)
    if result.returncode:
        raise SystemExit(f"the installation failed: {result.stderr}")
    return folder + prefix


def check_program(top):
    program = os.path.join(top, "bin", "armature")
    check(os.access(program, os.X_OK), "bin/armature is missing")
    version = run([program, "--version"])
    check(re.fullmatch(r"armature \d+\.\d+\.\d+\n", version.stdout), f"--version: {version.stdout!r}")
    text = run([program, "--help"])
    check(text.returncode == 0 and "--memory SIZE" in text.stdout, "--help does not help")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config")
        with open(path, "w", encoding="ascii") as file:
            file.write("memory = 64M\nkernel = zImage\n")
        first = run([program, "--config", path, "--print-config", "--cpus", "2"])
        check(first.returncode == 0 and f"# {path}:1\nmemory = 64M\n" in first.stdout, f"--print-config: {first}")
        with open(path, "w", encoding="ascii") as file:
            file.write(first.stdout)
        second = run([program, "--config", path, "--print-config"])
        values = [re.sub(r"^(#.*)?\n", "", result.stdout, flags=re.M) for result in (first, second)]
        check(values[0] == values[1] and "cpus = 2\n" in values[0], f"what --print-config prints is read otherwise: {values}")
    wrong = run([program, "--memroy", "1G"])
    check(wrong.returncode == 64 and "did you mean --memory?" in wrong.stderr and wrong.stderr.count("\n") == 1,
          f"a slip in an option: {wrong}")
    return text.stdout


def check_manual(top, help_text, source):
    pages = glob.glob(os.path.join(top, "share/man/man1/armature.1*"))
    check(len(pages) == 1, f"there should be one manual page: {pages}")
    if not pages:
        return
    page = read(pages[0])
    plain = page.replace("\\-", "-")
    for name in re.findall(r"^  (--[a-z0-9-]+)", help_text, flags=re.M):
        check(re.search(rf"^\.B {name}( |$)", plain, flags=re.M), f"the manual page lacks {name}")
    for word in "armature ctl", "armature farm", "armature disk", "--overlay-of", "--junit", "ARMATURE_CONFIG", "{name}":
        check(word in plain, f"the manual page lacks {word}")
    numbers = re.findall(r"= (\d+)", read(os.path.join(source, "frontends/exit_codes.h")))
    status = plain[plain.index(".SH EXIT STATUS"):plain.index(".SH FILES")]
    check(len(numbers) >= 9, "exit_codes.h is read wrongly")
    for number in numbers:
        check(re.search(rf"\b{number}\b", status), f"the manual page lacks exit code {number}")
    if shutil.which("man"):
        env = dict(clean_environment(), MANROFFSEQ="", MANWIDTH="80", LC_ALL="C.UTF-8")
        result = run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", pages[0]], env=env)
        check(result.returncode == 0 and not result.stderr, f"the manual page is no good roff: {result.stderr}")


def check_rest(top, zsh):
    for name in ("bash-completion/completions/armature", f"zsh/{zsh}/_armature",
                 "fish/vendor_completions.d/armature.fish", "doc/armature/README.md", "doc/armature/docs/booting.md"):
        check(os.path.isfile(os.path.join(top, "share", name)), f"share/{name} is missing")
    for path in glob.glob(os.path.join(top, "share/doc/armature/**/*.md"), recursive=True):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(path)):
            check(os.path.exists(os.path.join(os.path.dirname(path), target)), f"{path}: the link to {target} leads nowhere")


def main():
    cmake, build, source = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        top = install(cmake, build, "/usr", folder)
        text = check_program(top)
        check_manual(top, text, source)
        check_rest(top, "vendor-completions")
        top = install(cmake, build, "/opt/armature", folder)
        check_rest(top, "site-functions")
    print("\n".join(failures) or "what is installed works")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
