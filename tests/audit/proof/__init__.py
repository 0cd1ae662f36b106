"""What the proofs of the audit log share: a provider that remembers what it saw, agents, and the log as others see it."""
