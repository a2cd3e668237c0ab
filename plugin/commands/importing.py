"""`ehr-bridge import`: sends a folder or CD through the server's upload door, file by file, like the upload page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ehr_bridge.services.intake.prediction import Prediction, Question
from ehr_bridge.services.verdict.judge import Confirmation
from ehr_bridge.settings import MEGABYTE, Settings
from plugin.commands.door import Door
from plugin.commands.folder import FolderContent, Progress, walk
from plugin.commands.installation import opened, with_secret
from plugin.commands.remote import ServerAway

ASKED_FILES, ASKED_BYTES = 500, 128_000_000
"""Limits of one question about known files: the server reads the files it has before it answers."""


@dataclass(slots=True)
class Tally:
    stored: int = 0
    duplicate: int = 0
    before: int = 0
    known: int = 0


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--order", help="Id or accession number: all of it is for this order.")
@click.option("--patient", help="Id or MRN: all of it is of this patient.")
@click.option("--url", help="Server; default: this machine, at the configured port.")
@click.option("--again", is_flag=True, help="Send also what the server has already.")
@click.option("--dry-run", is_flag=True, help="Only show each study and how it would be matched.")
@click.pass_context
def import_folder(
    context: click.Context,
    folder: Path,
    order: str | None,
    patient: str | None,
    url: str | None,
    again: bool,
    dry_run: bool,
) -> None:
    """Upload every DICOM file below FOLDER that the server does not have. After an interruption, run it again.

    Exit code 0: everything is stored. 1: it stopped before the end. 3: complete, but some files were refused.
    """
    settings: Settings = context.obj
    for value, option in ((order, "--order"), (patient, "--patient")):
        if value is not None and not (value.isascii() and value.isprintable()):
            raise click.BadParameter("use printable ASCII, or the id that the API shows", param_hint=option)
    folder = folder.resolve()
    content = _read(folder, settings)
    if dry_run:
        _show(settings, content, Confirmation(order, patient))
        return
    settings = with_secret(settings)
    url = url or f"http://127.0.0.1:{settings.http_port}"
    progress = Progress(settings.data_dir, folder, f"{url}\n{order}\n{patient}")
    door = Door(settings, url, order, patient)
    try:
        known = set() if again else _known(content, progress, door)
        tally = _send(content, known, progress, door)
    except KeyboardInterrupt:
        raise ServerAway("stopped; run the same command again to go on") from None
    progress.forget()
    for path, code in content.refused:
        click.echo(f"refused: {path.relative_to(folder)}: {code}", err=True)
    click.echo(
        f"{tally.stored} stored, {tally.duplicate} stored before by somebody, "
        f"{tally.known} skipped because the server has them, {tally.before} sent before the interruption, "
        f"{len(content.refused)} refused (upload {progress.upload_id})"
    )
    context.exit(3 if content.refused else 0)


def _read(folder: Path, settings: Settings) -> FolderContent:
    paths = list(walk(folder))
    content = FolderContent()
    with click.progressbar(paths, label="reading") as bar:
        for path in bar:
            content.add(path, settings.max_dicom_file_size_mb * MEGABYTE)
    if not content.studies and not content.refused:
        raise click.ClickException(f"{folder} holds no files")
    return content


def _show(settings: Settings, content: FolderContent, confirmation: Confirmation) -> None:
    """One line per study: UID, files, match, and destination. No names, because terminals have scrollback."""
    with opened(settings, create=False) as services:
        questions = [Question(study.identity, confirmation) for study in content.studies.values()]
        predicted = services.matching.predict(questions)
        for (uid, study), one in zip(content.studies.items(), predicted, strict=True):
            click.echo("\t".join((uid, str(len(study.files)), *_columns(one))))
    for path, code in content.refused:
        click.echo(f"refused: {path.name}: {code}", err=True)


def _columns(predicted: Prediction) -> tuple[str, str, str, str]:
    """Match, MRN, accession number, and what disagrees or why it would be refused."""
    if predicted.verdict is None or predicted.refusal is not None:
        return "refused", "-", "-", predicted.refusal.code if predicted.refusal else "-"
    match, patient, order = predicted.verdict.match, predicted.verdict.patient, predicted.verdict.order
    against = ",".join(line.field for line in match.evidence if line.agrees is False)
    return match.kind.value, patient.mrn if patient else "-", order.accession_number if order else "-", against or "-"


def _known(content: FolderContent, progress: Progress, door: Door) -> set[Path]:
    """The files that need not be sent. When an interrupted import continues, these are only the ones left out at its
    beginning: the server may be waiting for the others as part of this upload."""
    files = [path for path in content.files if not progress.was_interrupted or progress.was_known(path)]
    known = set()
    for some in _portions(files):
        digests = {path: content.digests[path] for path in some}
        has = door.known(list(digests.values()))
        known |= {path for path, digest in digests.items() if digest in has}
    return known


def _portions(files: Sequence[Path]) -> Iterator[list[Path]]:
    portion: list[Path] = []
    size = 0
    for path in files:
        own = path.stat().st_size
        if portion and (len(portion) >= ASKED_FILES or size + own > ASKED_BYTES):
            yield portion
            portion, size = [], 0
        portion.append(path)
        size += own
    if portion:
        yield portion


def _send(content: FolderContent, known: set[Path], progress: Progress, door: Door) -> Tally:
    tally = Tally(known=len(known))
    files = [path for path in content.files if path not in known]
    if progress.was_interrupted:
        click.echo("going on where the last import of this folder stopped")
    else:
        progress.begin(known)
    door.announce(progress.upload_id, len(files))
    with click.progressbar(files, label="sending") as bar:
        for path in bar:
            if progress.has(path):
                tally.before += 1
                continue
            code = door.send(path)
            if code == "own_document":  # a report that is filed here
                code = "duplicate"
            if code in ("stored", "duplicate"):
                setattr(tally, code, getattr(tally, code) + 1)
                progress.add(path)
            else:
                content.refused.append((path, code))
    return tally
