"""Builds what the benchmark runs: the compiled programs and the guest's initial file systems, all kept in the cache."""

import hashlib
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

from catalogue import DEBIAN, PROGRAMS

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, "..", "scripts")
sys.path.append(SCRIPTS)
from cpio import Archive  # noqa: E402

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "armature", "bench")
RELEASE = "12"
PACKAGES = ["busybox-static", "lua5.4", "python3-minimal", "perl", "sqlite3", "gcc", "gzip", "xz-utils", "zstd", "dash",
            "coreutils"]
# Parts of the packages that no workload uses; they would only make the boot longer.
UNUSED = ["usr/lib/gcc/arm-linux-gnueabihf/12/lto1", "usr/lib/gcc/arm-linux-gnueabihf/12/lto-wrapper",
          "usr/bin/arm-linux-gnueabihf-lto-dump-12", "usr/lib/arm-linux-gnueabihf/libasan.so.8.0.0",
          "usr/lib/arm-linux-gnueabihf/libubsan.so.1.0.0", "usr/lib/arm-linux-gnueabihf/perl/5.36.0/CORE",
          "usr/share/perl/5.36.0/Unicode/Collate", "usr/share/perl/5.36.0/Pod", "usr/bin/arm-linux-gnueabihf-ld.gold"]

APPLETS = ["sh", "cat", "cksum", "echo", "rm", "seq", "sleep", "true"]  # of busybox, in the small file system
# Shared by all programs.
COMMON = ["main.c", "workload.h", "matrix.h"]
CFLAGS = ["-std=gnu17", "-O2", "-static", "-s", "-Wall", "-Wextra", "-Werror", "-fwrapv"]
COMPILERS = {
    # What Debian's armhf is compiled for; a Cortex-A9 has NEON too, but only some programs use it.
    "guest": ["arm-linux-gnueabihf-gcc", "-march=armv7-a", "-mfpu=vfpv3-d16", "-mfloat-abi=hard", "-mthumb"],
    "native": ["gcc"],
}
EXTRA_FLAGS = {
    ("guest", "neon"): ["-mfpu=neon"],
    ("guest", "sha256"): ["-marm"],  # the other instruction set, as in the kernel
    ("guest", "recursion"): ["-marm"],
}
# What the guest's compiler compiles, preprocessed here.
COMPILED = ["sha256", "structs", "string"]


class BuildError(Exception):
    pass


def lib_function(call):
    """Runs a function of scripts/lib.sh that prints a path."""
    lib = os.path.join(HERE, "..", "scripts", "lib.sh")
    result = subprocess.run(["bash", "-c", f'. "{lib}"; {call}'], stdout=subprocess.PIPE)
    if result.returncode:
        raise BuildError(f"scripts/lib.sh could not do: {call}")
    return result.stdout.decode().strip()


def read(*path):
    with open(os.path.join(HERE, *path), "rb") as file:
        return file.read()


def digest(*parts):
    state = hashlib.sha256()
    for part in parts:
        state.update(part if isinstance(part, bytes) else str(part).encode())
        state.update(b"\0")
    return state.hexdigest()[:16]


def compiler_version(kind):
    program = COMPILERS[kind][0]
    try:
        return subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError):
        raise BuildError(f"{program} is missing: install gcc, gcc-arm-linux-gnueabihf and libc6-dev-armhf-cross")


def sources_digest():
    names = sorted(os.listdir(os.path.join(HERE, "workloads")) + ["../" + name for name in ("init.c", "images.py")])
    names += ["../scripts/" + name for name in sorted(os.listdir(os.path.join(HERE, "scripts")))]
    return digest(*(part for name in names for part in (name, read("workloads", name))))


def forget_unused():
    """Removes what has not been used for a day: every change of a source makes new programs and file systems."""
    for entry in os.scandir(CACHE):
        if not re.match(r"(guest|native|small|large|building)[-.]", entry.name) or \
                entry.stat().st_mtime > time.time() - 86400:
            continue
        if entry.is_dir():
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)


def publish(work, target):
    """Renames a finished folder into its place; if another process was faster, its folder is as good."""
    try:
        os.rename(work, target)
    except OSError:
        if not os.path.isdir(target):
            raise
        shutil.rmtree(work)


def preprocess(folder):
    for name in COMPILED:
        command = COMPILERS["guest"] + ["-E", "-P", name + ".c", "-o", os.path.join(folder, name + ".i")]
        if subprocess.run(command, cwd=os.path.join(HERE, "workloads")).returncode:
            raise BuildError(f"{name} cannot be preprocessed")


def build_programs(kind):
    """The folder with the workloads compiled for the guest or the host."""
    flags = COMPILERS[kind] + CFLAGS + [flag for extra in EXTRA_FLAGS.values() for flag in extra]
    target = os.path.join(CACHE, f"{kind}-{digest(compiler_version(kind), ' '.join(flags), sources_digest())}")
    if os.path.isdir(target):
        os.utime(target)
        return target
    os.makedirs(CACHE, exist_ok=True)
    forget_unused()
    work = tempfile.mkdtemp(prefix="building.", dir=CACHE)
    jobs = {workload.name: ["main.c", workload.name + ".c"] for workload in PROGRAMS}
    if kind == "guest":
        jobs["init"] = ["../init.c"]
    jobs["generate"] = ["generate.c"]
    for name, sources in jobs.items():
        command = COMPILERS[kind] + EXTRA_FLAGS.get((kind, name), []) + CFLAGS
        result = subprocess.run(command + sources + ["-o", os.path.join(work, name)],
                                cwd=os.path.join(HERE, "workloads"))
        if result.returncode:
            shutil.rmtree(work)
            raise BuildError(f"{name} does not compile for {kind}")
    preprocess(work)
    shutil.copytree(os.path.join(HERE, "scripts"), work, dirs_exist_ok=True)
    publish(work, target)
    return target


# ---- initial file systems ------------------------------------------------------------------------------------------

def fetch_packages():
    key = digest(RELEASE, *PACKAGES)
    target = os.path.join(CACHE, f"debian-{RELEASE}-{key}")
    if not os.path.isdir(target):
        result = subprocess.run([os.path.join(SCRIPTS, "packages"), RELEASE, target] + PACKAGES)
        if result.returncode:
            raise BuildError("Debian's packages could not be fetched; the workloads of the group \"Debian's programs\" "
                             "need them, the others (--only) do not")
    return target


def write_small(archive):
    busybox = lib_function(f"fetch_busybox {RELEASE}")
    for folder in ("bin", "bench", "dev", "etc"):
        archive.add_folder(folder)
    with open(busybox, "rb") as file:
        archive.add_program("bin/busybox", file.read())
    for name in APPLETS:
        archive.add_link(f"bin/{name}", "busybox")


def write_large(archive):
    packages = fetch_packages()
    archive.add_tree(os.path.join(packages, "root"), leave_out=UNUSED.__contains__)
    for folder in ("bench", "dev"):
        archive.add_folder(folder)
    archive.add_link("usr/bin/sh", "dash")


def package_versions():
    with open(os.path.join(fetch_packages(), "versions")) as file:
        return file.read()


def build_system(name, programs):
    """The path of the initial file system "small" or "large", without a plan."""
    parts = [os.path.basename(programs), read("images.py"), read(SCRIPTS, "packages"), read(SCRIPTS, "cpio.py")]
    if name == "large":
        parts.append(package_versions())
    target = os.path.join(CACHE, f"{name}-{digest(*parts)}.cpio")
    if not os.path.exists(target):
        with tempfile.NamedTemporaryFile(dir=CACHE, prefix="building.", delete=False) as file:
            archive = Archive(file)
            (write_small if name == "small" else write_large)(archive)
            archive.add_device("dev/console", 5, 1)
            archive.add_tree(programs, "bench/")
            archive.add_program("init", read_file(os.path.join(programs, "init")))
            archive.end()
        os.rename(file.name, target)
    os.utime(target)
    return target


def read_file(path):
    with open(path, "rb") as file:
        return file.read()


def with_plan(system, plan, path):
    """Copies the initial file system to path with the plan added: kernels take archives one behind the other."""
    shutil.copyfile(system, path)
    with open(path, "ab") as file:
        archive = Archive(file, first_inode=1 << 20)
        archive.add("plan", stat.S_IFREG | 0o644, plan.encode())
        archive.end()


def kernel_identity(boot):
    return digest(read_file(os.path.join(boot, "vmlinuz")), read_file(os.path.join(boot, "initrd.gz")))


def identity(workload, scale, kernel):
    """Changes when the work does, so that measurements of different work are not compared."""
    parts = [kernel, workload.fill(workload.command, scale), workload.fill(workload.preparation, scale)]
    parts += [read(source) for source in workload.sources]
    if workload in PROGRAMS:
        flags = COMPILERS["guest"] + EXTRA_FLAGS.get(("guest", workload.name), []) + CFLAGS
        sources = COMMON + [workload.name + ".c"]
        parts += [compiler_version("guest"), " ".join(flags), *(read("workloads", source) for source in sources)]
    if workload in DEBIAN:
        parts += [package_versions()]
    if workload.name == "gcc":
        parts += [read("workloads", name + ".c") for name in COMPILED]
    if workload.preparation:
        parts += [read("workloads", "generate.c")]
    return digest(*parts)
