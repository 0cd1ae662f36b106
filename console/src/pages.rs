//! The pages, one file each.

pub(crate) mod chart;
pub(crate) mod exchange;
pub(crate) mod firewall;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod map;
mod parts;
pub(crate) mod policies;
pub(crate) mod servers;
pub(crate) mod sessions;
pub(crate) mod teams;
