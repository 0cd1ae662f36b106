"""What the deployment tests share: the real binary, a scripted provider, agents, and how a check is told."""
