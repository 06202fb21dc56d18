"""Makes a runtime: from source, or from a release archive. Whatever is interrupted leaves nothing that looks finished."""
