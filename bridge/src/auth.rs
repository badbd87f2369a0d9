//! Who may come in: passwords, session tokens and the brake on guessing.

pub(crate) mod credential;
pub(crate) mod name;
pub(crate) mod password;
pub(crate) mod throttle;
pub(crate) mod token;
