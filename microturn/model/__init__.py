"""Mathematics of the model: no clocks, no files, no devices."""
