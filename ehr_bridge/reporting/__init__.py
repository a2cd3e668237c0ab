"""Reports as they are signed, filed and delivered. Pure: no database, no HTTP, no clock.

`states` says what a report can become, `report` what a version of it holds and what is signed of it.
"""
