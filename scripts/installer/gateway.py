"""An HTTP proxy for the guest that serves Debian's mirror and nothing else, by the host's own apt: whatever apt can
reach here, with the proxies, passwords and transports it is configured for, the guest can. Files that never change are
kept, so that a second installation needs no network for them. Python's standard library only."""

import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

HELPER = "/usr/lib/apt/apt-helper"


class Missing(Exception):
    pass


class Failed(Exception):
    pass


class Mirror:
    """prefix, as the guest names it ("http://mirror.example/debian"), stands for uri, which apt understands."""

    def __init__(self, prefix, uri, keep):
        self.prefix, self.uri, self.keep = prefix.rstrip("/") + "/", uri.rstrip("/") + "/", keep
        self.locks, self.guard = {}, threading.Lock()
        self.bytes, self.kept = 0, 0
        os.makedirs(keep, exist_ok=True)
        self.work = tempfile.TemporaryDirectory(dir=keep, prefix=".fetching-")

    def _fetch(self, name, target):
        result = subprocess.run([HELPER, "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2", "download-file",
                                 self.uri + name, target], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                stdin=subprocess.DEVNULL)
        if result.returncode == 0 and os.path.exists(target):
            return
        reason = result.stdout.strip().splitlines()
        text = next((line for line in reason if line.startswith("E: Failed")), reason[-1] if reason else "no reason given")
        if "404" in text or "No such file" in text or "not found" in text.lower():
            raise Missing(text)
        raise Failed(text)

    def get(self, name):
        """An open file. What is in the pool, or named by its checksum, never changes."""
        parts = name.split("/")
        if not name or any(part in ("", ".", "..") for part in parts):
            raise Missing("not a file's name")
        constant = parts[0] == "pool" or "by-hash" in parts
        path = os.path.join(self.keep, *parts)
        with self.guard:
            lock = self.locks.setdefault(name, threading.Lock())
        with lock:
            if constant and os.path.exists(path):
                self.kept += 1
                return open(path, "rb")
            handle, new = tempfile.mkstemp(dir=self.work.name)
            os.close(handle)
            os.unlink(new)
            self._fetch(name, new)
            if os.path.islink(new):  # what apt finds in a folder of this computer
                source = os.path.realpath(new)
                os.unlink(new)
                shutil.copyfile(source, new)
            file = open(new, "rb")
            self.bytes += os.path.getsize(new)
            if constant:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.rename(new, path)
            else:
                os.unlink(new)
            return file


def make_handler(mirrors, note):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120

        def log_message(self, *_):
            pass

        def _refuse(self, code, text):
            body = (text + "\n").encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _answer(self):
            url = urllib.parse.unquote(self.path.partition("?")[0])
            for mirror in mirrors:
                if url.startswith(mirror.prefix):
                    break
            else:
                self._refuse(403, "this proxy serves the installer's mirror only")
                return
            try:
                file = mirror.get(url[len(mirror.prefix):])
            except Missing as e:
                self._refuse(404, str(e))
                return
            except (Failed, OSError) as e:
                note(f"{url}: {e}")
                self._refuse(502, str(e))
                return
            with file:
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(os.fstat(file.fileno()).st_size))
                self.end_headers()
                if self.command != "HEAD":
                    while data := file.read(1 << 20):
                        self.wfile.write(data)

        do_GET = do_HEAD = _answer

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """The guest may hang up in the middle."""


class Gateway:
    """Serves in the background, on a free port of the host's loopback interface."""

    def __init__(self, mirrors, note):
        self.mirrors = mirrors
        self.server = Server(("127.0.0.1", 0), make_handler(mirrors, note))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        for mirror in self.mirrors:
            mirror.work.cleanup()
