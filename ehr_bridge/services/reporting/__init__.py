"""Reports of studies: written, signed, amended and withdrawn here; others are told of each version by `Listener`."""
