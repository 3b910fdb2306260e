"""The other photos that a college needs, cut from the same shot: profiles, placing, judging."""
