"""The gate's table against the routes that the real server has: core, DICOMweb plugin, ours."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from plugin.serving.routes import DELETE, GET, POST, PUT, ROUTES, find_route
from plugin.starting.orthanc_config import PLUGINS
from tests.support import ports
from tests.support.closed_routes import CLOSED, why_closed

ORTHANC = "/usr/sbin/Orthanc"
METHODS = {"GET": GET, "POST": POST, "PUT": PUT, "DELETE": DELETE}
UNDOCUMENTED = re.compile(r"Ignoring URI without API documentation: (GET|POST|PUT|DELETE) (/\S*)")
REGISTERED = re.compile(r"Plugin has registered a REST callback [\w ]+ on: (\S+)")
EXAMPLES = {"{id}": "0" * 8 + "-00000000" * 4, "([^/]*)": "1.2.3", "(.*)": "7fe00010", "{frame}": "0"}


def example(path: str) -> str:
    """A path as a client would write it."""
    path = path.replace("/frames/([^/]*)", "/frames/1")
    for place, value in EXAMPLES.items():
        path = path.replace(place, value)
    return re.sub(r"\{\w+\}", "name", path)


@pytest.fixture(scope="module")
def core_routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What Orthanc's own documentation of itself lists, and what it says it leaves out there."""
    target = tmp_path_factory.mktemp("routes") / "openapi.json"
    run = subprocess.run([ORTHANC, f"--openapi={target}"], capture_output=True, text=True, timeout=300, check=True)
    documented = json.loads(target.read_text())["paths"]
    routes = [(method.upper(), path) for path, methods in documented.items() for method in methods]
    return routes + UNDOCUMENTED.findall(run.stdout + run.stderr)


@pytest.fixture(scope="module")
def plugin_routes(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the DICOMweb plugin registers, as Orthanc's log tells."""
    folder = tmp_path_factory.mktemp("plugin")
    config = {
        "Plugins": [str(PLUGINS / "libOrthancDicomWeb.so")],
        "StorageDirectory": str(folder / "images"),
        "HttpPort": ports.free(),
        "DicomPort": ports.free(),
    }
    path = folder / "orthanc.json"
    path.write_text(json.dumps(config))
    process = subprocess.Popen(
        [ORTHANC, "--verbose", str(path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    found = []
    assert process.stdout is not None
    for line in process.stdout:
        found += REGISTERED.findall(line)
        if "Orthanc has started" in line:
            break
    process.terminate()
    process.communicate(timeout=300)
    return found


def test_every_route_of_orthancs_core_is_in_the_table(core_routes: list[tuple[str, str]]) -> None:
    """Open with a permission, or closed with a reason."""
    assert len(core_routes) > 250
    unknown = [
        (method, path)
        for method, path in core_routes
        if find_route(METHODS[method], example(path)) is None and why_closed(METHODS[method], example(path)) is None
    ]
    assert unknown == []


def test_every_route_of_the_dicomweb_plugin_is_in_the_table(plugin_routes: list[str]) -> None:
    """With GET and POST each; a plugin's route takes all methods."""
    assert len(plugin_routes) > 30
    for path in plugin_routes:
        concrete = example(path)
        assert find_route(GET, concrete) is not None or why_closed(GET, concrete) is not None, path
        is_open_to_read = find_route(GET, concrete) is not None
        for method in (POST, PUT, DELETE):
            assert find_route(method, concrete) is None, path
            assert is_open_to_read or why_closed(method, concrete) is not None, path


def test_no_route_is_both_open_and_closed_in_the_table(
    core_routes: list[tuple[str, str]], plugin_routes: list[str]
) -> None:
    """Nothing of the table contradicts itself on any real route."""
    for method, path in core_routes + [(method, path) for path in plugin_routes for method in METHODS]:
        opened = find_route(METHODS[method], example(path))
        assert opened is None or why_closed(METHODS[method], example(path)) is None, (method, path)


def test_no_line_of_the_table_is_dead(core_routes: list[tuple[str, str]], plugin_routes: list[str]) -> None:
    """Each closed route is one that the server has."""
    real = [(METHODS[method], example(path)) for method, path in core_routes]
    real += [(method, example(path)) for path in plugin_routes for method in METHODS.values()]
    for line in CLOSED:
        assert any(method in line.methods and line.path.fullmatch(path) for method, path in real), line.path.pattern


def test_what_the_facts_call_dangerous_is_closed(core_routes: list[tuple[str, str]]) -> None:
    """Bodies with ids, scripts, other hosts, reset, shutdown, files on the server: whatever else is opened one day."""
    dangerous = re.compile(
        r"/tools/(find|lookup|count-resources|bulk-|create-|reconstruct|invalidate|execute|reset|shutdown|log|metrics$)"
        r"|/(modalities|peers|queries|jobs|storage-commitment|changes|exports|plugins)\b"
        r"|/(merge|split|modify|anonymize|export|attachments|metadata|labels|archive|media|reconstruct|protected)\b"
    )
    for method, path in core_routes:
        if method != "GET" and path != "/instances":
            assert find_route(METHODS[method], example(path)) is None, (method, path)
        if dangerous.search(path):
            assert find_route(METHODS[method], example(path)) is None, (method, path)


def test_the_table_opens_nothing_but_get_outside_our_own_routes() -> None:
    """Writing is ours alone."""
    for route in ROUTES:
        assert route.methods == {GET} or route.need.name == "APPLICATION"


def test_our_own_routes_are_all_under_one_roof() -> None:
    """The gate leaves them to the access table, which has a test of its own."""
    from ehr_bridge.api.http.access import ACCESS

    for method, path in ACCESS:
        found = find_route(METHODS[method], example(path))
        assert found is not None and found.need.name == "APPLICATION", path
