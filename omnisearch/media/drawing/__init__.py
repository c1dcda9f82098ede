"""Pictures of 3D objects: cameras, light, ray casting of surfaces, discs for bare points."""
