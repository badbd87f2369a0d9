//! Upturn's bridge: connects devices, the core, the store and people.

mod clock;
