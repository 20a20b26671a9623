"""The classroom: forward computations as exercises, and a checker that names the derivation mistake."""
