"""Training of networks on particle stacks; outside the apps, the only package that imports Lightning."""
