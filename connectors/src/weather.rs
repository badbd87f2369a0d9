//! Weather at places: what a lane or a site has to reckon with.
//!
//! To add a source: a file under `weather/` with a pure reader, and a line in [`crate::feed::KINDS`].

pub mod open_meteo;
