//! One bitmap font, for the report's raster and for the printer stand-in.
