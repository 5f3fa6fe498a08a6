"""Owns an embedded server until it is killed. Prints the server's pid once it is ready.

usage: owner.py DATA_DIR [orphan]; `orphan` starts the server without the parent-death signal.
"""

import sys
import time

from everline.config.supervisor import embedded

if __name__ == "__main__":
    server = embedded.EmbeddedServer(sys.argv[1], durable=False)
    if "orphan" in sys.argv:
        launched = server._launched

        def without_deathsig(command: list[str]) -> list[str]:
            words = launched(command)
            at = words.index("--deathsig")
            return [*words[:at], *words[at + 4 :]]

        server._launched = without_deathsig
    server.start()
    sys.stdout.write(f"{server.pid}\n")
    sys.stdout.flush()
    time.sleep(600)
