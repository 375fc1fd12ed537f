"""An X server, and a program in a window on it: what the window's tests are made of."""
import contextlib
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import time

fixture, armature = map(os.path.abspath, sys.argv[1:3])
LIMIT = 120  # seconds: hosts may be busy
# For builds with sanitizers.
LEAKS = "print_suppressions=0:suppressions=" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "leaks.supp")


class Failure(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(what, text, limit=LIMIT):
    end = time.time() + limit
    while time.time() < end:
        result = what()
        if result:
            return result
        time.sleep(0.03)
    raise Failure(f"waited {limit} s in vain: {text}")


def environment(display, home):
    new = {k: v for k, v in os.environ.items() if not k.startswith(("ARMATURE_", "WAYLAND_", "XDG_", "SDL_"))}
    new.update(DISPLAY=display, HOME=home, SDL_RENDER_DRIVER="software", LC_ALL="C.UTF-8", LSAN_OPTIONS=LEAKS)
    return new


class Server:
    def __init__(self, size="1280x1024"):
        read, write = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", size + "x24", "-noreset"],
                                        pass_fds=[write], stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as file:  # to the end of the line: the server writes it in two pieces
            self.display = ":" + file.readline().strip()
        self.manager, self.home = None, tempfile.TemporaryDirectory()

    def manage(self):
        """A window manager, for what only that can do."""
        if not shutil.which("openbox"):
            return False
        self.manager = subprocess.Popen(["openbox"], env=environment(self.display, self.home.name),
                                        stderr=subprocess.DEVNULL)
        time.sleep(1)
        return True

    def close(self):
        if self.manager:
            self.manager.terminate()
            self.manager.wait()
        self.process.terminate()
        self.process.wait()


@contextlib.contextmanager
def running(name, environment):
    program = subprocess.Popen([name], env=environment)
    try:
        yield
    finally:
        program.terminate()
        program.wait()


class Picture:
    def __init__(self, data):
        fields = struct.unpack(">25I", data[:100])
        self.width, self.height, line, colours = fields[4], fields[5], fields[12], fields[19]
        start = fields[0] + 12 * colours
        need(fields[11] == 32, "the server has 32 bits for a pixel")
        self.rows = [data[start + y * line:start + y * line + 4 * self.width] for y in range(self.height)]

    def pixel(self, x, y):
        b, g, r, _ = self.rows[y][4 * x:4 * x + 4]
        return r << 16 | g << 8 | b


def colour(x, y, time=0):
    return ((x * 7 + time) & 255) << 16 | (y * 5 & 255) << 8 | ((x ^ y) & 255)


def shows(picture, left, top, width, height, times=1):
    """Whether the picture of the fixture, and of follow.c, is there, pixel by pixel, each `times` as large."""
    if picture.width < left + width * times or picture.height < top + height * times:
        return False
    for y in range(0, height * times, 1 if height < 300 else 7):
        row = picture.rows[top + y]
        for x in range(0, width * times):
            at = 4 * (left + x)
            wanted = colour(x // times, y // times)
            if row[at] | row[at + 1] << 8 | row[at + 2] << 16 != wanted:
                return False
    return True


class Guest:
    """The fixture, or armature, in a terminal, as a user has it."""

    def __init__(self, server, home, program=fixture, arguments=(), display=None, wanted=True, path=None):
        self.environment = environment(display or server.display, home)
        self.folder = home
        if program == fixture:
            loop = os.path.join(home, "loop.bin")
            with open(loop, "wb") as file:
                file.write(bytes.fromhex("feffffea"))
            arguments = ["--load", loop + "@0x60100000", "--display-size", "none", *arguments]
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([program, *arguments], stdin=slave, stdout=subprocess.PIPE if
                                        program == fixture else slave, stderr=slave, cwd=home,
                                        env=dict(self.environment, PATH=path or os.environ["PATH"]))
        os.close(slave)
        self.terminal, self.lines, self.partial = "", [], ""
        self.window = None
        if wanted:
            self.find()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close()

    def find(self):
        """The window; SDL makes it again for some renderers."""
        def search():
            self.pump()
            need(self.process.poll() is None, f"it runs: exit code {self.process.returncode}: {self.terminal}")
            return self.x("search", "--pid", str(self.process.pid), "--name", "Armature", fail=False)
        wait_for(search, f"a window: {self.terminal}")
        time.sleep(0.5)
        self.window = search().split()[-1]
        self.focus()

    def x(self, *words, fail=True):
        done = subprocess.run(["xdotool", *words], env=self.environment, capture_output=True, text=True)
        need(done.returncode == 0 or not fail, f"xdotool {words}: {done.stderr}")
        return done.stdout

    def focus(self):
        time.sleep(0.3)
        self.x("windowfocus", "--sync", self.window)

    def pump(self, wait=0.05):
        files = [self.master] + ([self.process.stdout] if self.process.stdout else [])
        for file in select.select(files, [], [], wait)[0]:
            try:
                data = os.read(file if file == self.master else file.fileno(), 65536).decode(errors="replace")
            except OSError:
                continue
            if file == self.master:
                self.terminal += data
            else:
                *more, self.partial = (self.partial + data).split("\n")
                self.lines += more

    def collect(self, seconds=0.4):
        """What the fixture has printed, and prints for so long."""
        end = time.time() + seconds
        while time.time() < end:
            self.pump()
        lines, self.lines = self.lines, []
        return lines

    def wait_line(self, line):
        def there():
            self.pump()
            return line in self.lines
        wait_for(there, f"the line {line!r}, not only {self.lines}")
        lines = self.lines[:self.lines.index(line) + 1]
        del self.lines[:len(lines)]
        return lines

    def key(self, *names):
        self.x("key", "--clearmodifiers", *names)

    def title(self):
        return self.x("getwindowname", self.window).strip()

    def wait_title(self, part):
        wait_for(lambda: part in self.title(), f"a title with {part!r}, not {self.title()!r}")

    def geometry(self):
        text = self.x("getwindowgeometry", "--shell", self.window)
        values = dict(re.findall(r"(\w+)=(-?\d+)", text))
        return tuple(int(values[name]) for name in ("X", "Y", "WIDTH", "HEIGHT"))

    def wait_size(self, width, height):
        wait_for(lambda: self.geometry()[2:] == (width, height), f"the size {width}x{height}, not {self.geometry()}")

    def picture(self, root=False):
        which = ["-root"] if root else ["-id", self.window]
        return Picture(subprocess.run(["xwd", "-silent", *which], env=self.environment, capture_output=True,
                                      check=True).stdout)

    def end(self, code=None):
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise Failure("the program does not end")
        for _ in range(5):
            self.pump(0.02)
        need(code is None or self.process.returncode == code,
             f"exit code {self.process.returncode}, not {code}: {self.terminal}")
        return self.terminal

    def close_window(self):
        """As a window manager does it: asks the window to close itself."""
        script = ("import ctypes as c,sys;x=c.CDLL('libX11.so.6');x.XOpenDisplay.restype=c.c_void_p;"
                  "d=c.c_void_p(x.XOpenDisplay(None));"
                  "e=(c.c_long*24)();e[0]=33;e[4]=int(sys.argv[1]);x.XInternAtom.restype=c.c_ulong;"
                  "e[5]=x.XInternAtom(d,b'WM_PROTOCOLS',0);e[6]=32;e[7]=x.XInternAtom(d,b'WM_DELETE_WINDOW',0);"
                  "x.XSendEvent(d,c.c_ulong(int(sys.argv[1])),0,0,e);x.XFlush(d);x.XCloseDisplay(d)")
        subprocess.run([sys.executable, "-c", script, self.window], env=self.environment, check=True)
        time.sleep(0.3)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        if self.process.stdout:
            self.process.stdout.close()


def missing_programs():
    return [name for name in ("Xvfb", "xdotool", "xwd", "xclip", "xeyes") if not shutil.which(name)]
