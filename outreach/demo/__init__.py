"""The whole main job on one machine: a catcher, a mailbox page, and the same parts as in production."""
