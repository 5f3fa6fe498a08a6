"""A stand-in for web or sandbox: answers /healthz on its port; `grandchild` adds a second process."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments: object) -> None:
        pass


if __name__ == "__main__":
    if "grandchild" in sys.argv:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # grandchild"])
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
