"""Tables and demo data. Django is set up when this module is imported."""

import argparse
import subprocess
from collections.abc import Sequence

from django.core.management import call_command

from everline.backoffice.roles import ensure_roles
from everline.config.demo import data as demonstration
from everline.config.outcome import CommandError
from everline.config.supervisor import databases, sign_ins, stack
from everline.config.supervisor.options import Options, read_options
from everline.core import clock


def migrate(words: Sequence[str]) -> int:
    """`everline migrate [app [name]]`: bring the databases to this release, the sandbox's included."""
    arguments = argparse.ArgumentParser("everline migrate", description=migrate.__doc__)
    arguments.add_argument(
        "target", nargs="*", metavar="APP [NAME]", help="one room, and up or back to a name"
    )
    target = arguments.parse_args(words).target
    options = read_options()
    databases.require(options.shop_database, "EVERLINE_DATABASE_URL")
    if target:
        call_command("migrate", *target)
        with databases.alone(options.shop_database) as lock:
            databases.set_stamp(lock, "")  # it may have gone backwards: the next start looks again
        return 0
    with databases.alone(options.shop_database) as lock:
        call_command("migrate", interactive=False, verbosity=1)
        ensure_roles()
        if not options.with_sandbox:
            databases.set_stamp(lock, databases.fingerprint(demo=False))
    if options.with_sandbox:
        databases.require(options.sandbox_database, "EVERLINE_SANDBOX_DATABASE_URL")
        environment = stack.environment(options, stack.SANDBOX_SETTINGS)
        if subprocess.run(stack.everline("prepare-sandbox"), env=environment, check=False).returncode != 0:
            raise CommandError("The sandbox's database could not be migrated.")
    return 0


def demo_data(words: Sequence[str]) -> int:
    """`everline demo-data`: catalogue, brand, customers and lines of the demonstration. May be repeated."""
    argparse.ArgumentParser("everline demo-data", description=demo_data.__doc__).parse_args(words)
    options = read_options()
    with databases.alone(options.shop_database) as lock:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_roles()
        loaded = _load(options)
        databases.set_stamp(lock, databases.fingerprint(options.with_sandbox))
    print(f"{loaded.plans} plans, {len(loaded.sign_ins)} customers")
    for person in sign_ins.everybody(options.data_dir):
        print(person.announced(stack.shop_url(options)))
    return 0


def prepare(words: Sequence[str]) -> int:
    """`everline prepare`: what `everline run` does first, in one process; the stamp is set last."""
    argparse.ArgumentParser("everline prepare", description=prepare.__doc__).parse_args(words)
    options = read_options()
    with databases.alone(options.shop_database) as lock:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_roles()
        if options.with_sandbox:
            _load(options)
        databases.set_stamp(lock, databases.fingerprint(options.with_sandbox))
    return 0


def _load(options: Options) -> demonstration.Loaded:
    fresh = databases.stamp(options.shop_database) == ""
    now = clock.now()
    loaded = demonstration.load(now=now - demonstration.HISTORY if fresh else now)
    pairs = zip(loaded.sign_ins, demonstration.LABELS, strict=True)
    people = [
        sign_ins.SignIn(person.login, person.password, person.host, lines=bool(labels))
        for person, labels in pairs
    ]
    staff = [sign_ins.SignIn(each.login, each.password, role=str(each.role)) for each in loaded.staff]
    sign_ins.write(options.data_dir, [*people, *staff])
    return loaded
