"""Archives that come from elsewhere, unpacked whatever they hold."""
