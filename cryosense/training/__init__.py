"""Training of networks on particle stacks; the only importer of Lightning beside the apps."""
