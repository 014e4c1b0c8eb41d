"""One file per stage: parameters and artefacts in, one library call, artefacts out."""
