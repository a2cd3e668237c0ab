"""Tests of both supported versions of Orthanc at once: ours, and that of the chroot of scripts/forky."""
