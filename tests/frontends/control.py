#!/usr/bin/python3
"""The control socket, by a client that knows docs/control.md and nothing else, and `armature ctl`."""

import functools
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "boot"))

from drive import Failure, in_folder, main, together  # noqa: E402

TIMEOUT = 60


def check(condition, text):
    if not condition:
        raise Failure(text)


def connect(end, path):
    """The socket has its name a moment before the machine listens there."""
    for _ in range(100):
        try:
            end.connect(path)
            return
        except ConnectionRefusedError:
            time.sleep(0.01)
    end.connect(path)


class Client:
    """One connection: requests, replies and notifications, a line each."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        connect(self.socket, path)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.number = 0
        self.events = []
        self.replies = {}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.lines.close()
        self.socket.close()

    def write(self, text):
        self.socket.sendall(text.encode())

    def start(self, method, *arguments, **named):
        assert not (arguments and named)
        self.number += 1
        self.write(json.dumps({"jsonrpc": "2.0", "id": self.number, "method": method,
                               "params": named or list(arguments)}) + "\n")
        return self.number

    def receive(self):
        line = self.lines.readline()
        return json.loads(line) if line else None

    def wait(self, number):
        while number not in self.replies:
            message = self.receive()
            check(message is not None, "the connection ended")
            if "method" in message:
                self.events.append(message)
            else:
                self.replies[message["id"]] = message
        return self.replies.pop(number)

    def call(self, method, *arguments, **named):
        reply = self.wait(self.start(method, *arguments, **named))
        check("error" not in reply, f"{method}: {reply}")
        return reply["result"]

    def fails(self, code, method, *arguments, **named):
        reply = self.wait(self.start(method, *arguments, **named))
        check(reply.get("error", {}).get("code") == code, f"{method}: {reply}, not {code}")
        return reply["error"]["message"]

    def event(self, name):
        """The next event of that name."""
        while True:
            for index, message in enumerate(self.events):
                if message["method"] == name:
                    return self.events.pop(index)["params"]
            message = self.receive()
            check(message is not None, f"the connection ended without {name}")
            if "method" in message:
                self.events.append(message)
            else:
                self.replies[message["id"]] = message


class Machine:
    def __init__(self, armature, path, *options):
        self.path = path
        self.process = subprocess.Popen([armature, "--control", path, "--serial", "none", *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        end = time.monotonic() + TIMEOUT
        while not os.path.exists(path):
            check(time.monotonic() < end and self.process.poll() is None, "there is no socket")
            time.sleep(0.01)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.kill()
        self.process.communicate()

    def ends(self, code):
        _, err = self.process.communicate(timeout=TIMEOUT)
        check(self.process.returncode == code, f"exit code {self.process.returncode}, not {code}: {err}")
        check(not os.path.exists(self.path), "the socket is still there")
        return err.decode()


def operations(armature, path):
    with Machine(armature, path, "--cpus", "2") as machine, Client(path) as client:
        check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may connect")
        table = {row["name"]: row for row in client.call("operations")}
        check({"expect", "run", "read_memory", "quit"} <= set(table), f"{table.keys()}")
        check([p["name"] for p in table["read_memory"]["parameters"]] == ["address", "size", "cpu"], "parameters")
        check(client.call("expect", "\n> ")["index"] == 1, "prompt")
        client.call("sendline", "info")
        found = client.call("match", pattern=["nothing", "CPUs +(%d+),()"], timeout=20)
        check(found["index"] == 2 and found["captures"][0] == "2" and "info" in found["before"], f"{found}")
        client.call("write_memory", address="0x60000000", data="0011 22ff")
        check(client.call("read_memory", 0x60000000, 4) == "001122ff", "memory")
        check(client.call("read_word", "0x60000000") == 0xff221100, "word")
        client.call("write_register", "d0", "0xfedcba9876543210")
        check(client.call("read_register", "d0") == "0xfedcba9876543210", "register")
        state = client.call("status")
        check(state["state"] == "running" and len(state["cpus"]) == 2, f"{state}")
        client.call("pause")
        first = client.call("status")
        time.sleep(0.1)
        second = client.call("status")
        check(first == second and first["state"] == "paused", f"{first} {second}")
        client.call("resume")
        client.fails(-32601, "nonsense")
        client.fails(-32602, "read_word")
        check("not within" in client.fails(-32000, "expect", text="never", timeout=0.05), "no reason")
        client.call("quit", 5)
        check("code 5" in machine.ends(5), "no reason")


def waiting(armature, path):
    """Calls that wait do not keep others from being answered; they can be cancelled."""
    with Machine(armature, path) as machine, Client(path) as one, Client(path) as two:
        first = one.start("expect", text="never", timeout=0)
        second = one.start("sleep", 100)
        check(one.call("version"), "no version")
        check(one.call("cancel", first) is True, "not cancelled")
        check(one.wait(first)["error"]["code"] == -32001, "no error for the cancelled call")
        check(one.call("cancel", first) is False, "cancelled twice")
        check(two.call("cancel", second) is False, "another client's call was cancelled")
        # Two clients wait for the same text, and both see it.
        waits = [(client, client.start("expect", "\n> ")) for client in (one, two)]
        for client, number in waits:
            check(client.wait(number)["result"]["text"] == "\n> ", "not seen")
        # A new client goes on behind what others have seen.
        one.call("sendline", "help")
        one.call("expect", "memtest")
        with Client(path) as late:
            check("memtest" not in late.call("expect", "poweroff")["before"], "seen again")
        one.write('[{"jsonrpc":"2.0","id":"a","method":"version"},{"jsonrpc":"2.0","method":"version"},7]\n')
        batch = one.receive()
        check(len(batch) == 2 and batch[0]["id"] == "a" and batch[1]["error"]["code"] == -32600, f"{batch}")
        with Client(path) as leaving:  # leaves with a call under way
            leaving.start("expect", text="never", timeout=0)
        check(one.call("version"), "no version")
        number = one.start("wait_off")
        one.call("sendline", "poweroff")
        check(one.wait(number)["result"] is None, "not off")
        machine.ends(0)


def events(armature, path):
    with Machine(armature, path) as machine, Client(path) as client:
        client.call("subscribe", ["output", "reset", "paused", "resumed", "off", "stopped"])
        client.call("pause")
        check(client.event("paused") == {}, "paused")
        client.call("resume")
        check(client.event("resumed") == {}, "resumed")
        client.call("sendline", "help")
        text = ""
        while "poweroff" not in text:
            event = client.event("output")
            check(event["port"] == 0, f"{event}")
            text += event["text"]
        client.call("reset")
        client.event("reset")
        client.fails(-32000, "subscribe", "nonsense")
        client.call("unsubscribe", "output")
        client.events.clear()
        client.call("expect", "Armature ")
        check(not any(e["method"] == "output" for e in client.events), "unsubscribed output came")
        client.call("sendline", "poweroff")
        client.event("off")
        check(client.event("stopped")["code"] == 0, "stopped")
        check(client.receive() is None, "more came")
        machine.ends(0)


# r0 is counted up ten times, by 3, at 60001008.
COUNTER = "0000a0e30a10a0e3030080e2011051e2fcffff1a1eff2fe1"
STOP = {"cpu": 0, "pc": "0x60001008", "text": "cpu0 stopped at a breakpoint at 0x60001008"}


def breakpoints(armature, path):
    def run(*words, expect=""):
        done = subprocess.run([armature, "ctl", path, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=TIMEOUT, check=False)
        check(done.returncode == 0 and re.search(expect, done.stdout.decode()), f"{words}: {done}")

    with Machine(armature, path, "--cpus", "2") as machine, Client(path) as client, Client(path) as other:
        client.call("expect", "\n> ")
        client.call("write_memory", 0x60001000, COUNTER)
        client.call("subscribe", ["breakpoint", "paused", "resumed"])
        client.call("breakpoint", 0x60001008)
        check(client.call("breakpoints") == [{"address": "0x60001008"}], "breakpoints")
        returned = [each.start("expect", "Returned with r0 = 0000001e") for each in (client, other)]
        client.call("sendline", "go 60001000")
        check(client.event("breakpoint") == STOP, "another event")
        client.event("paused")
        check(client.call("status")["state"] == "paused", "not paused")
        # The stop came before anybody waited for one: who comes late is told of it once.
        place = {"cpu": 0, "pc": "0x60001008", "text": "add r0, r0, #3"}
        check(other.call("wait_breakpoint") == place, "not told")
        request = {"jsonrpc": "2.0", "method": "wait_breakpoint"}
        other.write(json.dumps([{**request, "id": n} for n in ("a", "b")]) + "\n")
        check([reply["result"] for reply in other.receive()] == [place, place], "not both were told")
        check(client.call("read_register", "r0") == 3, "r0")
        check(client.event("breakpoint") == STOP, "no event")
        client.call("resume")
        check(client.event("breakpoint") == STOP, "no event")
        run("wait_breakpoint", expect="cpu +0\npc +0x60001008\ntext +add r0, r0, #3\n")
        run("wait_breakpoint")
        check(client.call("read_register", "r0") == 9, "r0")
        waiting = other.start("wait_breakpoint")
        stepped = client.call("step", 4)
        check(stepped == {**place, "instructions": 3, "state": "at a breakpoint"}, f"{stepped}")
        check("error" not in other.wait(waiting), "the stop of a step was not told")
        client.call("delete_breakpoint", "0x60001008")
        client.call("resume")
        for each, number in zip((client, other), returned):
            check("error" not in each.wait(number), "the wait ended at a breakpoint")
        client.fails(-32000, "wait_breakpoint")
        client.fails(-32602, "breakpoint", "nonsense")
        client.call("quit")
        machine.ends(0)


def hostile(armature, path):
    with Machine(armature, path) as machine, Client(path) as client:
        for line, code in (("{", -32700), ("[[[[", -32700), ("[" * 100000, -32700), ("5", -32600), ("[]", -32600),
                           ('"x"', -32600), ('{"jsonrpc":"1.0","id":1,"method":"version"}', -32600),
                           ('{"jsonrpc":"2.0","id":1,"method":5}', -32600), ("\x00\x01", -32700),
                           ('{"jsonrpc":"2.0","id":[1],"method":"version"}', -32600)):
            client.write(line + "\n")
            reply = client.receive()
            check(reply["error"]["code"] == code, f"{line[:40]}: {reply}")
        client.write("x" * (5 << 20) + "\n")
        check(client.receive()["error"]["message"] == "the line is too long", "long line")
        check(client.call("version"), "no version")
        # Byte by byte.
        for byte in '{"jsonrpc":"2.0","id":"slow","method":"version"}\r\n':
            client.write(byte)
        check(client.wait("slow")["result"], "slow")
        # A client that asks and does not read is dropped; the others notice nothing.
        with Client(path) as deaf:
            request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "read_memory", "params": [0x60000000, 1 << 20]})
            deaf.socket.setblocking(False)
            try:
                for _ in range(1000):
                    deaf.socket.send(request.encode() + b"\n")
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
            check(b"does not read" in machine.process.stderr.readline(), "no message about the client")
            check(client.call("version"), "no version")
            deaf.socket.setblocking(True)
            received = 0
            try:
                while data := deaf.socket.recv(1 << 20):
                    received += len(data)
            except ConnectionResetError:
                pass
            check(received < 64 << 20, f"{received} bytes were kept for a client that did not read")
        machine.process.send_signal(signal.SIGTERM)
        machine.ends(128 + signal.SIGTERM)


def sockets(armature, path):
    def refused(text):
        done = subprocess.run([armature, "--control", path, "--serial", "none"], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=TIMEOUT, check=False)
        lines = done.stderr.decode().splitlines()
        check(done.returncode == 64 and len(lines) == 1 and text in lines[0], f"{done}")

    with Machine(armature, path):
        refused("another program listens there")
        check(os.path.exists(path), "the other's socket was removed")
    check(os.path.exists(path), "killed programs leave their socket")
    with Machine(armature, path) as machine:  # which is replaced
        for _ in range(100):
            try:
                with Client(path) as client:
                    client.call("quit")
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        machine.ends(0)
    with open(path, "w", encoding="utf-8") as file:
        file.write("precious")
    refused(path)
    with open(path, encoding="utf-8") as file:
        check(file.read() == "precious", "a file was overwritten")
    os.remove(path)


def ctl(armature, path):
    def run(*words, code=0, expect="", error=""):
        done = subprocess.run([armature, "ctl", *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                              check=False)
        out, err = done.stdout.decode(), done.stderr.decode()
        if done.returncode != code or not re.search(expect, out, re.DOTALL) or error not in err:
            raise Failure(f"ctl {words}: exit code {done.returncode}, {out!r} {err!r}")
        return out

    run(code=64, error="Usage: armature ctl")
    run("--help", expect="Usage: armature ctl")
    listed = run("--list-operations")
    check(all(len(line.split("\t")) == 2 for line in listed.splitlines()) and "\nsend\t" in listed, "operations")
    run(path, "status", code=70, error="is a machine running with --control there?")
    with Machine(armature, path) as machine:
        run(path, "nonsense", code=64, error="there is no operation nonsense")
        run(path, "read_word", "1", "2", "3", code=64, error="too many arguments")
        run(path, "expect", "> ", expect=r"text +> \n.*Armature")
        run(path, "sendline", "info")
        run(path, "match", "CPUs +(%d+),", "timeout=20", expect="captures *\n *1\n")
        run(path, "write_word", "0x60000000", "value=0x1234")
        run(path, "read_word", "0x60000000", expect="^0x00001234\n$")
        check(json.loads(run("--json", path, "read_word", "0x60000000")) == 0x1234, "--json")
        run(path, "status", expect="state +running.*cpu +pc +mode.*0x")
        run(path, "dump", "0x60000000", "4", expect="^60000000: 00001234 .*4[.]{3}\n$")
        run(path, "device", "uart0", expect="UARTCR +0x00000030 +rw +0x00000301")
        run(path, "help", expect="\nread_memory +")
        run(path, "expect", "never", "timeout=0.05", code=1, error="not within 0.05 seconds of guest time")
        follower = subprocess.Popen([armature, "ctl", path, "--events", "output", "stopped"], stdout=subprocess.PIPE)
        time.sleep(0.3)
        run(path, "sendline", "help")
        run(path, "quit", "6")
        out, _ = follower.communicate(timeout=TIMEOUT)
        check(follower.returncode == 0 and b"output 0: help" in out and b"\nstopped 6: " in out, f"{out}")
        machine.ends(6)


def with_a_script(armature, path):
    """A script and control clients at the same time: each has seen what it has seen."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("expect('> ') sendline('help') expect('memtest') match('go (.-)\\n') wait_off()")
        file.flush()
        with Machine(armature, path, "--script", file.name) as machine, Client(path) as client:
            client.call("expect", "memtest")
            client.call("expect", "\n> ")
            client.call("sendline", "poweroff")
            machine.ends(0)


def a_debugged_script(armature, path):
    """A script goes on waiting while somebody else stops the machine at a breakpoint."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write("expect('> ') sleep(0.2) sendline('go 60001000') expect('Returned') quit(3)")
        file.flush()
        with Machine(armature, path, "--script", file.name) as machine, Client(path) as client:
            client.call("write_memory", 0x60001000, COUNTER)
            client.call("breakpoint", 0x6000100c)
            for _ in range(10):
                client.call("wait_breakpoint")
            client.call("resume")
            machine.ends(3)


def many(armature, path):
    """Several clients at once."""
    with Machine(armature, path) as machine:
        problems = []

        def work(number):
            try:
                with Client(path) as client:
                    for n in range(50):
                        client.call("write_word", 0x60000000 + 4 * number, n)
                        check(client.call("read_word", 0x60000000 + 4 * number) == n, "another client's word")
            except (Failure, OSError) as problem:
                problems.append(problem)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        check(not problems, f"{problems}")
        with Client(path) as client:
            client.call("quit")
        machine.ends(0)


def with_socket(part):
    @functools.wraps(part)
    def run(armature, folder):
        part(armature, f"{folder}/socket")
    return in_folder(run)


def test(armature):
    parts = operations, waiting, events, breakpoints, hostile, sockets, ctl, with_a_script, a_debugged_script, many
    together(map(with_socket, parts), armature)


main(test)
