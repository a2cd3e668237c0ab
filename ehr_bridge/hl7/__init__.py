"""HL7 v2 messages: framing, characters, what a message says by a site's mapping, and its acknowledgement. Pure: no
database, no sockets, no clock."""
