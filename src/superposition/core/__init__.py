"""What every stage imports: parameters, artefacts, devices. Calm: a change here re-runs all."""
