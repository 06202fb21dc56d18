"""What a placement costs in time: of a layer, a device, a whole plan."""
