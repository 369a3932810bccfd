"""Statistics over a handful of datasets, whatever they measure: relabellings, ranks, a regression with scatter."""
