"""What a package of your own may add to cryosense."""
