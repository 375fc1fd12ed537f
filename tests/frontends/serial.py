#!/usr/bin/python3
"""What serial ports can be connected to (--serial), from a user's view: the other side is a file, a pipe, a
pseudo-terminal, or a program with a socket."""

import contextlib
import os
import re
import select
import signal
import socket
import stat
import subprocess
import time

from uart_guest import SerialGuest, check, checksum, noise, pattern, reader, writer, UART1
from drive import Failure, in_folder, main, together

TIMEOUT = 60
MUCH = 400000  # more than all buffers on the way hold


def receive(sock, count, timeout=TIMEOUT):
    """Exactly count bytes."""
    data = b""
    sock.settimeout(timeout)
    while len(data) < count:
        more = sock.recv(min(65536, count - len(data)))
        check(more, f"the connection ended after {len(data)} of {count} bytes")
        data += more
    return data


def receive_until(sock, text, timeout=TIMEOUT):
    data = b""
    sock.settimeout(timeout)
    while text not in data:
        more = sock.recv(4096)
        check(more, f"the connection ended without {text!r}, after {data!r}")
        data += more
    return data


def receive_rest(sock):
    data = b""
    sock.settimeout(TIMEOUT)
    while True:
        try:
            more = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


def nothing_comes(fd, seconds=0.3):
    check(not select.select([fd], [], [], seconds)[0], "something came that was not expected")


def connect_unix(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT)
    sock.connect(path)
    return sock


def run(armature, *options, data=b"poweroff\r"):
    """The program with the monitor's commands as input; its exit code, stdout and stderr."""
    result = subprocess.run([armature, *options], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            timeout=TIMEOUT)
    return result.returncode, result.stdout, result.stderr.decode()


@contextlib.contextmanager
def running(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL):
    """A process with a pipe as its stdin, which ends with the block at the latest."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=stderr)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()


def refused(armature, spec, text, code=None):
    """One line on stderr that names the option."""
    got, _, stderr = run(armature, "--serial", "none", "--serial", spec)
    check(got in ((code,) if code else (64, 70)), f"{spec}: exit code {got}")
    lines = stderr.strip().split("\n")
    check(len(lines) == 1 and text in lines[0] and "--serial" in lines[0] and spec in lines[0], f"{spec}: {stderr!r}")


def tcp_port(guest, number=1):
    return int(guest.expect(rf"serial port {number}: listens at tcp 127\.0\.0\.1:(\d+)\s")[1])


# ---- Files -------------------------------------------------------------------------------------------------


def files(armature, folder):
    path = os.path.join(folder, "log")
    link = os.path.join(folder, "a,b")
    for name, spec, expected in ((path, f"file:{path}", b"AB"), (path, f"file:{path},append", b"ABAB"),
                                 (path, f"file:{path}", b"AB"), (link, f"file:{link.replace(',', ',,')}", b"AB")):
        with SerialGuest(armature, "--serial", "stdio", "--serial", spec) as guest:
            guest.prompt()
            guest.switch_on()
            guest.say("AB")
            guest.send("poweroff\r")
            guest.expect_exit(0)
        with open(name, "rb") as file:
            data = file.read()
        check(data == expected, f"{spec}: {data!r}")
    refused(armature, f"file:{folder}/nonexistent/x", "No such file")
    refused(armature, f"file:{folder}", "Is a directory")
    refused(armature, "file:", "write it as file:PATH", 64)
    fifo = os.path.join(folder, "fifo")
    os.mkfifo(fifo)
    refused(armature, f"file:{fifo}", "a pipe that nobody reads")
    # A full disk ends the run, and says which file.
    with SerialGuest(armature, "--serial", "stdio", "--serial", "file:/dev/full") as guest:
        guest.prompt()
        guest.switch_on()
        guest.send(f"mw.b {UART1:x} 41\r")
        guest.expect("/dev/full: No space left")
        guest.expect_exit(70)
    # Also if it is only noticed at the very end.
    code, _, stderr = run(armature, "--serial", "stdio", "--serial", "file:/dev/full", "--deterministic",
                          data=f"mw {UART1 + 0x30:x} 301\rmw.b {UART1:x} 41\rpoweroff\r".encode())
    check(code == 70 and "No space left" in stderr, f"{code}, {stderr!r}")


def first_port_elsewhere(armature, folder):
    """The order of the options is the order of the ports, and none drops what is sent."""
    path = os.path.join(folder, "first")
    for spec in ("none", "null"):
        with open(path, "wb"):
            pass
        with SerialGuest(armature, "--serial", f"file:{path}", "--serial", spec, "--serial", "stdio") as guest:
            end = time.monotonic() + TIMEOUT
            text = b""
            while not text.endswith(b"\r\n> "):
                check(time.monotonic() < end, f"{spec}: the first port's output is not in its file: {text!r}")
                time.sleep(0.1)
                with open(path, "rb") as file:
                    text = file.read()
            check(text.count(b"Armature") == 1, f"{spec}: {text!r}")
            os.kill(guest.process.pid, signal.SIGTERM)
            guest.expect_exit(128 + signal.SIGTERM)
            check(b"Type help" not in guest.text, f"{spec}: the first port's output is on stdout")


# ---- Standard output -----------------------------------------------------------------------------------------


def slow_reader(armature, _):
    """A pipe that nobody reads stops the guest, not the program; nothing is lost."""
    commands = b"md 60000000 6800\rpoweroff\r"
    expected = run(armature, data=commands)[1]
    check(len(expected) > MUCH, "the guest did not send enough")
    for signal_number in (signal.SIGTERM, None):
        with running(armature) as process:
            process.stdin.write(commands)
            process.stdin.close()
            wait_until_idle(process.pid)
            if signal_number:
                process.send_signal(signal_number)
                check(process.wait(TIMEOUT) == 128 + signal_number, "the signal did not end it")
            else:
                check(process.stdout.read() == expected, "output was lost")
                check(process.wait(TIMEOUT) == 0, "the guest did not switch off")


def process_stat(pid):
    """Its state as ps shows it, and the CPU time that it used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until_idle(pid):
    """Until the process sleeps and goes on sleeping. One that turns, or waits for a processor, is not idle."""
    end = time.monotonic() + TIMEOUT
    looks, before = 0, 0.0
    while looks < 10:
        check(time.monotonic() < end, "the program does not come to rest")
        state, used = process_stat(pid)
        looks = looks + 1 if state == "S" and used - before < 0.02 else 0
        before = used
        time.sleep(0.04)


def reader_leaves(armature, _):
    """armature | head -1"""
    with running(armature, stderr=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.stdout.close()
        check(process.wait(TIMEOUT) == 70, f"exit code {process.returncode}")
        check(b"nobody reads" in process.stderr.read(), "no reason was given")
    # Also when the guest says nothing any more; and on a socket, which blocks.
    for ours, theirs in (os.pipe(), [s.detach() for s in socket.socketpair()]):
        with running(armature, stdout=theirs) as process:
            os.close(theirs)
            text = b""
            while not text.endswith(b"\r\n> "):
                text += os.read(ours, 65536)
            wait_until_idle(process.pid)
            os.close(ours)
            check(process.wait(TIMEOUT) == 70, f"exit code {process.returncode}")


def long_input(armature, _):
    """Much input waits in the pipe, and not in memory."""
    with running(armature, stdout=subprocess.DEVNULL) as process:
        os.set_blocking(process.stdin.fileno(), False)
        # The guest's code, wfi and a branch back to it, asks for nothing from port 0 meanwhile.
        process.stdin.write(b"mw 60001000 e320f003\rmw 60001004 eafffffd\rgo 60001000\r")
        process.stdin.flush()
        written = fill(process.stdin.fileno())
        check(written < 1 << 20, f"{written} bytes were read though the guest took none")


def fill(fd):
    """Writes until nothing has gone for a second; how much went."""
    written = 0
    while select.select([], [fd], [], 1)[1]:
        try:
            written += os.write(fd, b"x" * 65536)
        except BlockingIOError:
            time.sleep(0.01)
        check(written < 1 << 25, "there is no limit")
    return written


def nothing_open(armature, _):
    """Started without stdin or stdout: no other file is taken for them."""
    for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
        with running("sh", "-c", f'exec "$0" {closed}', armature) as process:
            wait_until_idle(process.pid)
            check(process.poll() is None, f"{closed}: it ended with {process.returncode}")
            process.terminate()
            check(process.wait(TIMEOUT) == 128 + signal.SIGTERM, f"{closed}: exit code {process.returncode}")


# ---- Pseudo-terminals ----------------------------------------------------------------------------------------


def pseudo_terminal(armature, folder):
    link = os.path.join(folder, "uart")
    os.symlink("/dev/pts/99999", link)  # an earlier run could not remove it
    with SerialGuest(armature, "--serial", "stdio", "--serial", f"pty:{link}") as guest:
        name = guest.expect(r"serial port 1: is (/dev/pts/\d+) \(")[1].decode()
        guest.prompt()
        guest.switch_on()
        check(os.readlink(link) == name, "the link leads elsewhere")
        refused(armature, f"pty:{link}", "in use")
        guest.say("lost")
        for _ in range(2):  # it can be opened again
            fd = os.open(link, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, b"\x03in\r")  # all characters, without an echo
            for ch in b"\x03in\r":
                wait_for_character(guest)
                check(guest.register(UART1) == ch, "the guest got something else")
            guest.say("ab\n")
            check(read_exactly(fd, 3) == b"ab\n", "the guest's output was changed")
            nothing_comes(fd)
            os.close(fd)
        much_over(guest, os.open(link, os.O_RDWR | os.O_NOCTTY))
        guest.send("poweroff\r")
        guest.expect_exit(0)
    check(not os.path.lexists(link), "the link is still there")
    refused(armature, f"pty:{folder}", "File exists")
    refused(armature, f"pty:{folder}/nonexistent/x", "No such file")


def wait_for_character(guest):
    for _ in range(300):
        if not guest.register(UART1 + 0x18) & 0x10:
            return
        time.sleep(0.05)
    raise Failure("the guest got no character")


def read_exactly(fd, count):
    data = b""
    while len(data) < count:
        check(select.select([fd], [], [], TIMEOUT)[0], f"only {len(data)} of {count} bytes came")
        data += os.read(fd, count - len(data))
    return data


def much_over(guest, fd):
    """Much data in both directions, each time more than the buffers hold; closes fd."""
    data = noise(MUCH)
    os.set_blocking(fd, False)
    written = 0
    while written < MUCH and select.select([], [fd], [], 1)[1]:
        try:
            written += os.write(fd, data[written:written + 4096])
        except BlockingIOError:
            time.sleep(0.01)
    check(written < MUCH, "everything was taken, though the guest took nothing")
    guest.load(reader(MUCH))
    guest.go()
    while written < MUCH:
        check(select.select([], [fd], [], TIMEOUT)[1], "the rest is not taken")
        try:
            written += os.write(fd, data[written:written + 4096])
        except BlockingIOError:
            time.sleep(0.01)
    check(guest.returned() == checksum(data), "input was lost or changed")
    guest.load(writer(MUCH))
    guest.go()
    time.sleep(0.5)  # the guest is stopped by now
    check(read_exactly(fd, MUCH) == pattern(MUCH), "output was lost or changed")
    guest.returned()
    os.close(fd)


# ---- Sockets -------------------------------------------------------------------------------------------------


def unix_socket(armature, folder):
    path = os.path.join(folder, "sock")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)
    stale.close()
    with SerialGuest(armature, "--serial", "stdio", "--serial", f"unix:{path}") as guest:
        guest.prompt()
        guest.switch_on()
        mode = os.stat(path).st_mode
        check(stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, f"mode {mode:o}")
        refused(armature, f"unix:{path}", "another program listens there")
        guest.say("lost")
        with connect_unix(path) as client:
            guest.say("one")
            check(receive(client, 3) == b"one", "the guest's output was changed")
            with connect_unix(path) as second:  # waits for the first to go
                guest.say("two")
                check(receive(client, 3) == b"two", "the second client got the first one's output")
                nothing_comes(second)
                client.close()
                second.sendall(b"x")
                wait_for_character(guest)
                check(guest.register(UART1) == ord("x"), "the second client is not connected")
                guest.say("three")
                check(receive(second, 5) == b"three", "the second client gets no output")
        much_over(guest, connect_unix(path).detach())
        guest.send("poweroff\r")
        guest.expect_exit(0)
    check(not os.path.exists(path), "the socket is still there")
    with open(path, "w"):
        pass
    refused(armature, f"unix:{path}", "no socket")
    check(os.path.exists(path), "somebody else's file was removed")
    refused(armature, "unix:" + "x" * 120, "too long", 64)
    refused(armature, f"unix:{folder}/nonexistent/x", "No such file")


def socket_ends_with_signal(armature, folder):
    path = os.path.join(folder, "signal")
    link = os.path.join(folder, "signal-pty")
    with SerialGuest(armature, "--serial", f"unix:{path}", "--serial", f"pty:{link}") as guest:
        guest.expect("serial port 1: is")
        with connect_unix(path) as client:
            os.kill(guest.process.pid, signal.SIGTERM)
            guest.expect_exit(128 + signal.SIGTERM)
            receive_rest(client)
    check(not os.path.lexists(path) and not os.path.lexists(link), "something was left behind")


def stuck_peer(armature, folder):
    """Who connects and reads nothing holds the guest for some seconds, not for ever."""
    path = os.path.join(folder, "stuck")
    with SerialGuest(armature, "--serial", "stdio", "--serial", f"unix:{path}", "--serial", "pty") as guest:
        guest.expect("serial port 2: is")
        guest.prompt()
        guest.switch_on()
        with connect_unix(path) as client:
            guest.load(writer(4 * MUCH))
            guest.go()
            guest.expect("serial port 1: the other side of unix .* takes nothing; the connection is closed")
            guest.returned()
            rest = receive_rest(client)
            check(rest == pattern(len(rest)), "what came before was changed")
        with connect_unix(path) as client:  # and the next one is served
            guest.say("hello")
            check(receive(client, 5) == b"hello", "the next client gets no output")
        guest.send("poweroff\r")
        guest.expect_exit(0)


def stuck_pty(armature, _):
    with SerialGuest(armature, "--serial", "stdio", "--serial", "pty") as guest:
        name = guest.expect(r"serial port 1: is (/dev/pts/\d+)\s")[1].decode()
        guest.prompt()
        guest.switch_on()
        fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
        os.write(fd, b"x")
        wait_for_character(guest)
        guest.load(writer(4 * MUCH))
        guest.go()
        guest.expect("nobody reads pty")
        guest.returned()
        # Once it is read again, new output comes.
        drained = b""
        while select.select([fd], [], [], 1)[0]:
            drained += os.read(fd, 65536)
        check(drained == pattern(len(drained)), "what came before was changed")
        guest.say("again")
        check(read_exactly(fd, 5) == b"again", "no output after the reader woke up")
        os.close(fd)
        guest.send("poweroff\r")
        guest.expect_exit(0)


def tcp_listening(armature, _):
    for spec in ("tcp-listen:0", "tcp::0,server,nowait"):
        with SerialGuest(armature, "--serial", "stdio", "--serial", spec) as guest:
            port = tcp_port(guest)
            guest.prompt()
            guest.switch_on()
            refused(armature, f"tcp-listen:{port}", "Address already in use")
            for _ in range(2):
                with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
                    client.sendall(b"\x00\xff")
                    for ch in (0, 0xff):
                        wait_for_character(guest)
                        check(guest.register(UART1) == ch, "the guest got something else")
                    guest.say("out")
                    check(receive(client, 3) == b"out", "the guest's output was changed")
            # What is sent before the client leaves arrives; output still reaches it then.
            with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
                client.sendall(b"z")
                client.shutdown(socket.SHUT_WR)
                wait_for_character(guest)
                check(guest.register(UART1) == ord("z"), "input was lost")
                guest.say("bye")
                check(receive(client, 3) == b"bye", "the half-closed connection gets no output")
                with socket.create_connection(("127.0.0.1", port), TIMEOUT) as second:
                    check(receive_rest(client) == b"", "the first client was not disconnected")
                    second.sendall(b"q")
                    wait_for_character(guest)
                    check(guest.register(UART1) == ord("q"), "the second client is not connected")
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)  # or the host's buffers hold it all
            client.connect(("127.0.0.1", port))
            much_over(guest, client.detach())
            guest.send("poweroff\r")
            guest.expect_exit(0)
    refused(armature, "tcp-listen:host:70000", "port number", 64)
    refused(armature, "tcp-listen:192.0.2.1:0", "Cannot assign requested address")


def waiting(armature, _):
    """With wait the guest does nothing before somebody has connected, who then sees everything."""
    with SerialGuest(armature, "--serial", "tcp-listen:0,wait", "--serial", "stdio") as guest:
        port = int(guest.expect(r"serial port 0: waits for a connection to tcp 127\.0\.0\.1:(\d+)\s")[1])
        wait_until_idle(guest.process.pid)
        check(process_stat(guest.process.pid)[1] < 30, "the guest runs")
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as client:
            text = receive_until(client, b"\r\n> ")
            check(re.match(rb"\s*Armature [0-9.]+: Arm Versatile Express", text), f"the beginning is missing: {text!r}")
            client.sendall(b"poweroff\r")
            check(receive_rest(client).endswith(b"poweroff\r\n"), "the end is missing")
        guest.expect_exit(0)
    # A signal ends the waiting.
    with SerialGuest(armature, "--serial", "tcp-listen:0,wait") as guest:
        guest.expect("waits for a connection")
        os.kill(guest.process.pid, signal.SIGINT)
        guest.expect_exit(128 + signal.SIGINT)


def keeping(armature, folder):
    """With keep, whoever connects next sees what was sent meanwhile: the newest of it."""
    path = os.path.join(folder, "keep")
    with SerialGuest(armature, "--serial", "stdio", "--serial", f"unix:{path},keep") as guest:
        guest.prompt()
        guest.switch_on()
        guest.say("early")
        with connect_unix(path) as client:
            check(receive(client, 5) == b"early", "the kept output was changed")
            guest.say("x")
            check(receive(client, 1) == b"x", "no output")
        wait_until_alone(guest, path)
        guest.say("late")
        with connect_unix(path) as client:
            check(receive(client, 4) == b"late", "what was sent meanwhile is missing")
        wait_until_alone(guest, path)
        guest.load(writer(MUCH))
        guest.go()
        guest.returned()
        with connect_unix(path) as client:
            end = pattern(MUCH)[-32768:]
            kept = receive(client, 32768)
            client.settimeout(1)
            try:
                while True:
                    kept += client.recv(65536)
            except socket.timeout:
                pass
            check(len(kept) <= 65536 and kept.endswith(end), f"{len(kept)} bytes were kept")


def wait_until_alone(guest, path):
    """Until the emulator has seen that the client is gone: a character makes the round."""
    time.sleep(0.5)
    guest.register(UART1 + 0x18)


def tcp_connecting(armature, _):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT)
        port = server.getsockname()[1]
        with SerialGuest(armature, "--serial", "stdio", "--serial", f"tcp:localhost:{port}") as guest:
            client = server.accept()[0]
            guest.prompt()
            guest.switch_on()
            guest.say("A")
            check(receive(client, 1) == b"A", "the guest's output was changed")
            client.close()
            guest.expect("serial port 1: the connection to tcp localhost:.* has ended")
            guest.say("lost")
            guest.send("poweroff\r")
            guest.expect_exit(0)
        with SerialGuest(armature, "--serial", "stdio", "--serial", f"tcp::{port},reconnect=1") as guest:
            guest.prompt()
            guest.switch_on()
            for _ in range(3):
                client = server.accept()[0]
                client.sendall(b"B")
                wait_for_character(guest)
                check(guest.register(UART1) == ord("B"), "the guest got something else")
                guest.say("C")
                check(receive(client, 1) == b"C", "the guest's output was changed")
                client.close()
            guest.send("poweroff\r")
            guest.expect_exit(0)
    refused(armature, f"tcp:127.0.0.1:{port}", "Connection refused")
    refused(armature, "tcp:name.invalid:1", "cannot find the host name.invalid")
    # With reconnect the server may come later.
    with SerialGuest(armature, "--serial", "stdio", "--serial", f"tcp:127.0.0.1:{port},reconnect=1") as guest:
        guest.prompt()
        guest.switch_on()
        with socket.create_server(("127.0.0.1", port)) as server:
            server.settimeout(TIMEOUT)
            client = server.accept()[0]
            client.sendall(b"D")
            wait_for_character(guest)
            client.close()


def mistakes(armature, _):
    for spec, text in (("sdtio", "give stdio, none, pty"), ("stdio:x", "write just stdio"),
                       ("tcp:4000", "give a port number"), ("unix:x,append", "no option append"),
                       ("tcp::1,wait", "others connect to")):
        refused(armature, spec, text, 64)
    code, _, stderr = run(armature, "--serial", "stdio", "--serial", "stdio")
    check(code == 64 and "only one" in stderr, f"two on stdio: {code}, {stderr!r}")


GROUPS = {
    "stdio": (mistakes, slow_reader, reader_leaves, long_input, nothing_open),
    "file": (files, first_port_elsewhere),
    "pty": (pseudo_terminal, stuck_pty),
    "unix": (unix_socket, socket_ends_with_signal, stuck_peer, keeping),
    "tcp": (tcp_listening, waiting, tcp_connecting),
}


def test(armature, *groups):
    together([in_folder(part) for group in groups or GROUPS for part in GROUPS[group]], armature)


main(test)
