"""The real supervisor and the real database server with stand-ins for web, worker and sandbox.

`fails` in the arguments makes the web stand-in end at once; `grandchild` gives it a second process.
"""

import sys
from pathlib import Path

from everline.config import static
from everline.config.cli import EXIT_UNUSABLE
from everline.config.supervisor import stack
from everline.config.supervisor.child import Program
from everline.config.supervisor.errors import StartError
from everline.config.supervisor.options import Options, read_options
from everline.config.supervisor.supervisor import Supervisor, speak

STANDIN = str(Path(__file__).with_name("standin.py"))


def stand_ins(options: Options) -> list[Program]:
    environment = stack.environment(options, stack.SHOP_SETTINGS)
    extra = ("grandchild",) if "grandchild" in sys.argv else ()
    web = (sys.executable, STANDIN, str(options.port), *extra)
    if "fails" in sys.argv:
        web = (sys.executable, "-c", "raise SystemExit('the web stand-in fails')")
    sandbox = (sys.executable, STANDIN, str(options.sandbox_port))
    worker = (sys.executable, "-c", "import time; time.sleep(600)  # worker")
    commands = {"web": web, "worker": worker, "sandbox": sandbox}
    return [Program(name, command, environment) for name, command in commands.items()]


if __name__ == "__main__":
    stack.programs = stand_ins
    stack.preparations = lambda options: []
    static.root = lambda data_dir: data_dir
    try:
        raise SystemExit(Supervisor(read_options(), speak).run())
    except StartError as error:
        sys.stderr.write(f"everline: {error}\n")
        raise SystemExit(EXIT_UNUSABLE) from error
