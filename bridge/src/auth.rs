//! Who may come in and what they may do: people, roles, rights, passwords, tokens and the brake on
//! guessing.

pub(crate) mod name;
pub(crate) mod password;
pub(crate) mod person;
pub(crate) mod rights;
pub(crate) mod role;
pub(crate) mod sight;
pub(crate) mod throttle;
pub(crate) mod token;
