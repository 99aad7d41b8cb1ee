"""What people do: one file per noun, one function per act."""
