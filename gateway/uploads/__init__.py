"""What comes in over the network: bytes for drafts, checked before they count."""
