"""Make the published OHIF build live under /ohif/ on our own origin, and stay there.

Takes in the npm package `@ohif/app` (its `dist/` is a ready build for the root of a host) and app-config.js
beside this file. Gives out a folder of static files that reads nothing outside /ohif/, needs no inline script
(so a strict Content-Security-Policy holds), asks no other host, and carries a `.gz` beside every text file.

Refuses a package it does not know: one whose SHA-512 is not pinned, or in which an expected pattern is
missing. A build rewritten by half would look fine until a doctor opens the one tool that was missed.

    python ohif-config/prepare.py --version 3.12.10 --out ohif-config/dist

A second run with the same inputs returns in milliseconds and needs no network.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
APP_CONFIG = HERE / "app-config.js"
STAMP = "prepared.json"
PREFIX = "/ohif/"
DEFAULT_VERSION = "3.12.10"

# As npm prints it (dist.integrity). Add a line only when the new version has passed tests/browser.
PINNED = {
    "3.12.10": "sha512-0kuF66Mq9c9dMD++bUsTjMrJpXJwaZhz9B4uS244DawAjSkTwIYFU93pxPuRUQixaRi7QAHlF3Fe1qudBlZrmA==",
}

# Parts of the build that a same-origin viewer without an identity provider never reads:
UNWANTED = (
    "**/*.map",  # sources, for OHIF's own developers
    "ort/",  # 136 MB of ONNX runtime for a segmentation model that OHIF would fetch from another host
    "sw.js",  # service worker; loads code from another host and would keep old versions in the browser
    "init-service-worker.js",  # would unregister the workers of everything on this origin
    "google.js",  # settings for one cloud's archive
    "silent-refresh.html",  # OpenID Connect in the page: tokens come with the link instead
    "oidc-client.min.js",
    "es6-shim.min.js",
    "polyfill.min.js",
    "_headers",  # for one hosting company
    "_redirects",
    "serve.json",
    "assets/apple-touch-startup-image-*",  # home-screen pictures of tablets
    "assets/mstile-*",
    "assets/coast-*",
    "assets/firefox_app_*",
    "assets/yandex-*",
    "assets/browserconfig.xml",
    "assets/manifest.webapp",
)
COMPRESSED = {".js", ".css", ".html", ".json", ".svg", ".wasm", ".webmanifest"}


class PrepareError(Exception):
    """The build cannot be prepared; the message says why and what to do."""


@dataclass(frozen=True)
class Rule:
    """In the files matching `files`, replace the regular expression `old` by `new`; expect `least` places."""

    files: str
    old: str
    new: str
    least: int
    why: str


RULES = (
    Rule("index.html", r'\b(src|href|content)="/(?!/)', rf'\1="{PREFIX}', 10, "links of the page"),
    Rule(
        "boot.js",
        r"window\.PUBLIC_URL = '/';",
        f"window.PUBLIC_URL = '{PREFIX}';",
        1,
        "root of the application",
    ),
    Rule("manifest.json", r'"src": "/(?!/)', f'"src": "{PREFIX}', 1, "icons of the web manifest"),
    Rule("*.css", r"url\(/(?!/)", f"url({PREFIX}", 1, "fonts"),
    Rule(
        "*.js",
        r'__webpack_require__\.p = "/";',
        f'__webpack_require__.p = "{PREFIX}";',
        7,
        "root of the bundles, the web workers' among them",
    ),
    Rule(
        "app.bundle.*.js",
        r"browserImportFunction\('/dicom-microscopy-viewer/",
        f"browserImportFunction('{PREFIX}dicom-microscopy-viewer/",
        1,
        "slide viewer",
    ),
    # Tools that would fetch from another host, naming ours as referrer: a clinic has no internet, and the
    # other host no business to know. They find nothing on our own origin instead.
    *(
        Rule("*.js", re.escape(address), PREFIX + "not-installed/", 1, "requests to another host")
        for address in (
            "https://huggingface.co/",  # models of the marker-guided segmentation
            "https://cdn.jsdelivr.net/npm/",  # pipelines of the contour interpolation
            "https://raw.githubusercontent.com/",  # human figure of the orientation marker
            "https://api.locize.io/",  # translations under construction
        )
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Prepare the build the command line names; 0 when it is in place, 1 and a message on stderr if not."""
    parser = argparse.ArgumentParser(description="Prepare the published OHIF build to be served under /ohif/.")
    parser.add_argument("--version", default=DEFAULT_VERSION, help="version of @ohif/app (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=HERE / "dist", help="folder to write (default: %(default)s)")
    parser.add_argument("--tarball", type=Path, help="a package fetched before, for a machine without network")
    parser.add_argument("--sha512", help="checksum (sha512-…) of a version that is not pinned here")
    args = parser.parse_args(argv)
    try:
        message = prepare(args.version, args.out.resolve(), args.tarball, args.sha512)
    except PrepareError as error:
        sys.stderr.write(f"ohif: {error}\n")
        return 1
    sys.stdout.write(f"ohif: {message}\n")
    return 0


def prepare(version: str, out: Path, tarball: Path | None = None, sha512: str | None = None) -> str:
    """Put the build of `version` in `out` unless it is there already; return a sentence for the user.

    `out` is never half written: the work happens in a folder beside it, which then takes its place. Two runs
    at once wait for each other.

    Raises PrepareError.
    """
    stamp = {"ohif": version, "prepare": _hash(Path(__file__)), "config": _hash(APP_CONFIG)}
    if _stamp_in(out) == stamp:
        return f"{version} is prepared in {out}"
    out.parent.mkdir(parents=True, exist_ok=True)
    with _alone(out.parent), tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        if _stamp_in(out) == stamp:
            return f"{version} is prepared in {out}"
        work = Path(scratch)
        package = tarball or _fetch(version, work)
        _verify(package, version, sha512 or PINNED.get(version))
        build = work / "build"
        _unpack(package, build)
        _delete_unwanted(build)
        _move_inline_scripts(build)
        _apply_rules(build)
        _drop_dead_links(build)
        shutil.copyfile(APP_CONFIG, build / "app-config.js")
        _check(build)
        plain, packed = _compress(build)
        (build / STAMP).write_text(json.dumps(stamp, indent=1) + "\n")
        build.chmod(0o755)
        _swap(build, out, work / "old")
    return f"{version} prepared in {out}: {plain / 1e6:.1f} MB, text assets compressed to {packed / 1e6:.1f} MB"


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _stamp_in(out: Path) -> object:
    try:
        return json.loads((out / STAMP).read_text())
    except (OSError, ValueError):
        return None


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a lock on `folder` itself, so that no lock file stays behind."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _fetch(version: str, into: Path) -> Path:
    """Download the package, without its dependencies, by whatever registry npm is configured with."""
    npm = shutil.which("npm")
    if npm is None:
        raise PrepareError("npm is not installed; run scripts/setup, or hand over a package with --tarball FILE")
    command = [
        npm,
        "pack",
        f"@ohif/app@{version}",
        "--ignore-scripts",
        "--loglevel=error",
        "--pack-destination",
        str(into),
    ]
    done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)  # noqa: S603
    packages = list(into.glob("*.tgz"))
    if done.returncode != 0 or len(packages) != 1:
        reason = (done.stderr or done.stdout).strip() or f"npm pack ended with {done.returncode}"
        raise PrepareError(
            f"could not fetch @ohif/app {version}; check npm's registry setting and the network: {reason}"
        )
    return packages[0]


def _verify(package: Path, version: str, expected: str | None) -> None:
    try:
        with package.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha512").digest()
    except OSError as error:
        raise PrepareError(f"cannot read {package}: {error.strerror}") from error
    found = "sha512-" + base64.b64encode(digest).decode()
    if expected is None:
        raise PrepareError(
            f"OHIF {version} is not a version we have tested. To try it, pass --sha512 {found}; "
            "to adopt it, add it to PINNED in ohif-config/prepare.py once scripts/test passes"
        )
    if found != expected:
        raise PrepareError(f"{package.name} is not the OHIF {version} we know: {found}, expected {expected}. Not used")


def _unpack(package: Path, build: Path) -> None:
    """Unpack `package/dist/` to `build`, and OHIF's licence with it."""
    build.mkdir()
    try:
        with tarfile.open(package) as archive:
            for member in archive:
                if member.name == "package/LICENSE":
                    member.name = "LICENSE"
                elif member.name.startswith("package/dist/"):
                    member.name = member.name.removeprefix("package/dist/")
                else:
                    continue
                archive.extract(member, build, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise PrepareError(f"{package.name} cannot be unpacked: {error}") from error
    if not (build / "index.html").is_file():
        raise PrepareError(f"{package.name} has no dist/index.html; OHIF publishes differently now, see {__file__}")


def _delete_unwanted(build: Path) -> None:
    for pattern in UNWANTED:
        found = list(build.glob(pattern))
        if not found:
            raise PrepareError(_changed(f"nothing matches {pattern} in UNWANTED"))
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _move_inline_scripts(build: Path) -> None:
    """Move the page's inline scripts, in order, to boot.js: `script-src 'self'` then needs no exception."""
    page = build / "index.html"
    html = page.read_text()
    inline = re.compile(r"<script>(.*?)</script>", re.DOTALL)
    bodies = inline.findall(html)
    if not bodies:
        raise PrepareError(_changed("index.html has no inline script"))
    (build / "boot.js").write_text("\n".join(body.strip() for body in bodies) + "\n")
    html = inline.sub('<script src="/boot.js"></script>', html, count=1)
    page.write_text(inline.sub("", html))


def _apply_rules(build: Path) -> None:
    for rule in RULES:
        old = re.compile(rule.old.encode())
        count = 0
        for path in sorted(build.glob(rule.files)):
            content, here = old.subn(rule.new.encode(), path.read_bytes())
            if here:
                path.write_bytes(content)
                count += here
        if count < rule.least:
            raise PrepareError(
                _changed(f"{rule.why}: {rule.files} has {rule.old} in {count} places, expected {rule.least}")
            )


def _drop_dead_links(build: Path) -> None:
    """Take out of index.html the tags that name a file we do not deliver."""
    page = build / "index.html"

    def keep_if_delivered(tag: re.Match[str]) -> str:
        target = build / tag["target"].removeprefix(PREFIX)
        return tag[0] if target.is_file() or target.name in {"app-config.js"} else ""

    tags = re.compile(rf'<(?:link|meta|script)\b[^>]*="(?P<target>{PREFIX}[^"]*)"[^>]*>(?:</script>)?')
    page.write_text(tags.sub(keep_if_delivered, page.read_text()))


def _check(build: Path) -> None:
    """Look once more, with other eyes than the rules: nothing may point outside the prefix."""
    html = (build / "index.html").read_text()
    for name in ("boot.js", "app-config.js", "app.bundle."):
        if f'src="{PREFIX}{name}' not in html:
            raise PrepareError(_changed(f"index.html does not load {name}"))
    looks_outside = {
        "index.html": rb"""<script>|\s(?:src|href)=(?!"/ohif/)""",
        "boot.js": rb"""PUBLIC_URL\s*=\s*(?!\s|'/ohif/')""",
        "**/*.css": rb"""url\(\s*["']?(?:/(?!ohif/)|https?:)""",
        "**/*.js": rb"""\b__webpack_require__\.p\s*=\s*["'](?!/ohif/)|\b[a-z]\.p\s*=\s*["']/["']""",
    }
    for files, pattern in looks_outside.items():
        for path in build.glob(files):
            if found := re.search(pattern, path.read_bytes()):
                raise PrepareError(_changed(f"{path.name} still points outside {PREFIX}: {found[0]!r}"))


def _changed(what: str) -> str:
    return (
        f"OHIF's build has changed ({what}). Nothing was written. Keep the version we have tested, "
        "or look at the new build and adapt the tables at the top of ohif-config/prepare.py"
    )


def _compress(build: Path) -> tuple[int, int]:
    """Write `x.gz` beside each text file; return the bytes of all files, and of the `.gz` ones."""
    paths = [path for path in sorted(build.rglob("*")) if path.is_file()]

    def pack(path: Path) -> int:
        content = path.read_bytes()
        packed = gzip.compress(content, 9, mtime=0)
        if len(packed) >= len(content):
            return 0
        path.with_name(path.name + ".gz").write_bytes(packed)
        return len(packed)

    plain = sum(path.stat().st_size for path in paths)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return plain, sum(pool.map(pack, [path for path in paths if path.suffix in COMPRESSED]))


def _swap(build: Path, out: Path, old: Path) -> None:
    if out.exists():
        out.rename(old)
    build.rename(out)


if __name__ == "__main__":
    raise SystemExit(main())
