"""`ehr-bridge authorities`: the issuers of medical record numbers, and recorded numbers without one."""

from __future__ import annotations

import click

from ehr_bridge.matching.issuers import Authority
from ehr_bridge.services.bundle import Services
from ehr_bridge.services.registry.assignment import Assigned
from ehr_bridge.services.registry.authorities import advice, authorities_of, numbers_on_record, obstacle
from ehr_bridge.settings import Settings
from plugin.commands.installation import opened
from plugin.commands.users import operator


@click.group("authorities")
def authorities() -> None:
    """Issuers of medical record numbers, if there are several."""


@authorities.command("list")
@click.pass_obj
def list_authorities(settings: Settings) -> None:
    """Each authority, and what has to be done about recorded numbers."""
    known = authorities_of(settings)
    for one in known:
        click.echo(f"{one.name}\t{one.universal_id}".rstrip())
    if not known:
        click.echo("one authority gives all numbers (EHR_BRIDGE_AUTHORITIES is not set)")
    with opened(settings, create=False) as services, services.database.read() as session:
        numbers = numbers_on_record(session, known)
    for said in filter(None, (obstacle(numbers, known), advice(numbers, known))):
        click.echo(said)


@authorities.command()
@click.argument("name")
@click.option("--all", "everybody", is_flag=True, help="All patients whose number has no issuer.")
@click.option("--mrn", "mrns", multiple=True, help="The patient with this number; may be given several times.")
@click.option("--from", "former", help="Those that have this issuer, instead of those that have none.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.pass_obj
def assign(
    settings: Settings, name: str, everybody: bool, mrns: tuple[str, ...], former: str | None, dry_run: bool
) -> None:
    """Set NAME as the issuer of recorded numbers without one.

    The patients' stored images get the issuer in the background, while the server runs. An interrupted command can
    simply be run again.
    """
    if everybody == bool(mrns):
        raise click.UsageError("name the patients: --all, or --mrn NUMBER (as often as needed)")
    if not authorities_of(settings):
        raise click.ClickException("set EHR_BRIDGE_AUTHORITIES first, here and for the server")
    _require_former(authorities_of(settings), former, name)
    with opened(settings, create=False) as services:
        done = _assign(services, name, None if everybody else mrns, former, dry_run)
    word = "would be given" if dry_run else "are given"
    click.echo(f"{done.patients} numbers {word} to {name}")
    if done.taken:
        click.echo(
            f"{done.taken} left as they are: {name} has another patient with the same number. Merge or renumber them."
        )
    if done.unknown:
        whom = f"the issuer '{former}'" if former else "no issuer"
        click.echo(f"{done.unknown} of the numbers you named are on record for nobody with {whom}")
    if done.taken or done.unknown:
        raise SystemExit(3)


def _require_former(known: tuple[Authority, ...], former: str | None, name: str) -> None:
    """Refuse to move numbers from one current authority to another: patients would change silently. Use a merge."""
    names = {one.name.casefold() for one in known}
    if former is not None and former.strip().casefold() in names:
        raise click.ClickException(f"'{former}' gives numbers itself; its patients are not given to {name}")


def _assign(services: Services, name: str, mrns: tuple[str, ...] | None, former: str | None, dry_run: bool) -> Assigned:
    def tell(done: Assigned) -> None:
        click.echo(f"{done.patients} …", err=True)

    return services.assignment.assign(name, mrns, operator(), former=former, dry_run=dry_run, progress=tell)
