//! Names as small numbers, so that state is found by an index and a name is kept once.

#[expect(
    clippy::disallowed_types,
    reason = "looked up only, never iterated: order cannot be seen"
)]
use std::collections::HashMap;
use std::sync::Arc;

/// A name's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Symbol(u32);

impl Symbol {
    /// Returns the number as a place in a list.
    pub(crate) fn index(self) -> usize {
        // u32 fits into usize on every machine this runs on.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// Gives each name a number, counting from 0 in the order of first use.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    #[expect(clippy::disallowed_types, reason = "looked up only, never iterated")]
    numbers: HashMap<Arc<str>, Symbol>,
    names: Vec<Arc<str>>,
}

impl Interner {
    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        // Four thousand million names do not fit into memory, let alone into a number.
        let symbol = Symbol(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, symbol);
        symbol
    }

    /// Returns the name with this number.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.names.get(symbol.index()).map_or("", |name| name)
    }
}
