"""What hubgate costs, measured beside nginx in the same run. Ratios mean something; seconds belong to one machine."""
