"""What a pipeline costs: measured numbers and dated prices in, a bill out."""
