//! One exchange, from top to bottom.
