"""One module per noun: what its pages show, and what their forms do."""
