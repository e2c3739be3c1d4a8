"""What the portal costs, as ratios to yardsticks measured in the same run: `make bench`."""
