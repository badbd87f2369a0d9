//! Upturn's connectors: facts come in, letters go out.
//!
//! A connector is settings, a pure part that builds or reads what goes over the wire, and the
//! exchange itself. What stands here is pure; the bridge owns the connections.

pub mod deliver;
