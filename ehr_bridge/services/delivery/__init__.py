"""The outbox: what happens here is told to other systems. A row for each event and destination, sent in order, kept
until it is sent or somebody has decided. The connections themselves are made by `plugin.sending`."""
