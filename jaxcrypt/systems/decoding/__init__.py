"""What the decoders of damaged cipher pictures share."""
