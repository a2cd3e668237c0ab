"""How long, how much, and what goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

PEOPLE = {
    "upload": 2.0,
    "C-STORE": 0.1,
    "worklist": 1.0,
    "HL7": 1.0,
    "FHIR search": 2.0,
    "FHIR write": 0.2,
    "view": 1.0,
    "report": 1 / 15,
    "deletion": 1 / 20,
}
"""What is done how often a second, for two processors. Upload: one image, by HTTP. C-STORE: one study. HL7: one message
to each node. View: a viewer token and the metadata of a study that has just come, from either node."""
VIEWER = 4.0
"""Questions a second of the viewer on node A whose answers are timed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Times are in seconds."""

    seconds: float
    kill_every: float
    """Node B, by kill -9."""
    down: float = 5.0
    """How long it is away before it is started again."""
    quiet: float = 60.0
    """How long the viewer is timed alone, before everything begins."""
    restarts_postgresql: bool = True
    """Once, by a clean stop, a little after the middle."""
    side: int = 362
    """Pixels of an image, squared: 0.26 MB."""
    images: int = 6
    """Of a study that is uploaded."""
    rates: dict[str, float] = field(default_factory=lambda: dict(PEOPLE))

    @property
    def disturbances(self) -> list[tuple[float, str]]:
        """When something goes wrong, and what."""
        number = int((self.seconds - 1) / self.kill_every)
        found = [(self.kill_every * (one + 1), "kill") for one in range(number)]
        return sorted([*found, (self.seconds * 7 / 12, "postgresql")] if self.restarts_postgresql else found)

    @property
    def judges_speed(self) -> bool:
        """Whether the run is long enough to compare times."""
        return self.seconds >= 600

    @property
    def judges_growth(self) -> bool:
        """Whether Orthanc's image cache (256 MB) is full when the last two thirds begin."""
        return self.seconds >= 1_800
