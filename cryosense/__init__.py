"""Compressive sensing for cryo-electron microscopy."""
