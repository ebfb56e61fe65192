"""Look at a host, hold it, switch its maintenance, prune and destroy: the operator's side."""
