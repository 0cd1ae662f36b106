//! The model that comes with the gateway.

/// Its file, as `models/firewall/export.py` wrote it.
pub const WEIGHTS: &[u8] = include_bytes!("../../../models/firewall/sallyport-firewall.gguf");

/// Its SHA-256, in hexadecimal (`models/firewall/CARD.md` says how it came to be).
pub const DIGEST: &str = include_str!("../../../models/firewall/sallyport-firewall.sha256");
