"""The demonstration: its data, its first orders, and the story that `everline demo` tells over HTTP."""
