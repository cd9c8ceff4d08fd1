"""How long a piece of work still waits for the network: its database statements have time-outs of their own."""

from optionsengine.core.deadline import TimeLimit

patience = TimeLimit("patience")
patience_left = patience.left
