"""The benchmark's workloads: what is run, how much of it, and what it stands for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    name: str
    group: str
    command: str  # for a shell; {n} is the amount of work, $BENCH the folder with the programs and scripts
    amount: int  # at scale 1, chosen for a few seconds under QEMU 7.2
    preparation: str = ""
    system: str = "small"  # which initial file system: "small" holds the compiled programs, "large" Debian's too
    native: str = ""  # what the host runs in place of the command
    sources: tuple = ()  # files beside the program's own that determine the work

    def fill(self, text, scale):
        return text.replace("{n}", str(max(1, round(self.amount * scale))))


def program(name, group, amount, **options):
    return Workload(name, group, f"$BENCH/{name} {{n}}", amount, **options)


def debian(name, amount, command, sources=(), **options):
    return Workload(name, "Debian's programs", command, amount, system="large", sources=sources, **options)


def script(name, amount, interpreter, file):
    return debian(name, amount, f"{interpreter} $BENCH/{file} {{n}}", (f"scripts/{file}",))


def compressor(name, amount, options=""):
    return debian(name, amount, f"{name} {options} -c input >packed && {name} -d -c packed | cksum",
                  preparation="$BENCH/generate {n} >input")


PROGRAMS = [
    program("integer", "integer code", 400),
    program("divide", "integer code", 180),
    program("recursion", "integer code", 1000),
    program("indirect", "integer code", 400),
    program("sort", "integer code", 300),
    program("string", "integer code", 450),
    program("structs", "integer code", 600),
    program("sha256", "integer code", 1500),
    program("bytecode", "integer code", 90),
    program("codegen", "integer code", 450),
    program("float", "floating point", 230),
    program("double", "floating point", 230),
    program("neon", "floating point", 150),
    program("memory", "memory access", 200),
    program("chase", "memory access", 55),
    program("pagewalk", "memory access", 60),
    program("atomics", "memory access", 1500),
    program("syscall", "system", 15),
    program("clock", "system", 12),
    program("pipe", "system", 16),
    program("threads", "system", 50),
    program("signal", "system", 22),
    program("pagefault", "system", 28),
    program("fork", "system", 100),
    program("exec", "system", 65),
    program("files", "system", 100),
]

COMPILE = "for i in $(seq {n}); do COMPILER -O2 -fno-ident -c $BENCH/*.i || exit; done; cat *.o | cksum"

DEBIAN = [
    script("lua", 22, "lua5.4", "bench.lua"),
    script("python", 110, "/usr/bin/python3 -I -S -B", "bench.py"),
    script("perl", 45, "perl", "bench.pl"),
    debian("sqlite", 250, 'sqlite3 :memory: "CREATE TABLE work AS SELECT {n} AS rounds" ".read $BENCH/bench.sql"',
           ("scripts/bench.sql",)),
    debian("gcc", 1, COMPILE.replace("COMPILER", "gcc"),
           native=COMPILE.replace("COMPILER", "arm-linux-gnueabihf-gcc -march=armv7-a+fp -mthumb")),
    compressor("gzip", 7000, "-n"),
    compressor("xz", 500),
    compressor("zstd", 6000, "-q"),
    script("shell", 800, "dash", "loop.sh"),
    script("commands", 8, "dash", "commands.sh"),
]

WORKLOADS = PROGRAMS + DEBIAN
BY_NAME = {workload.name: workload for workload in WORKLOADS}
