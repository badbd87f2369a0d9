//! Names as small numbers, so that state is found by an index and a name is kept once.

#[expect(
    clippy::disallowed_types,
    reason = "looked up only, never iterated: order cannot be seen"
)]
use std::collections::HashMap;
use std::sync::Arc;

/// A name's number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct Symbol(u32);

impl Symbol {
    /// Returns the number as a place in a list.
    pub(crate) fn index(self) -> usize {
        // u32 fits into usize on every machine this runs on.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Returns the number of a place in a list.
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Gives each name a number, counting from 0 in the order of first use.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
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

    /// Returns the number of `name`, if it has one.
    pub(crate) fn find(&self, name: &str) -> Option<Symbol> {
        self.numbers.get(name).copied()
    }

    /// Returns the name with this number.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.names.get(symbol.index()).map_or("", |name| name)
    }
}

impl From<Vec<String>> for Interner {
    fn from(names: Vec<String>) -> Self {
        let mut interner = Self::default();
        for name in &names {
            interner.intern(name);
        }
        interner
    }
}

impl From<Interner> for Vec<String> {
    fn from(interner: Interner) -> Self {
        interner.names.iter().map(|name| (**name).to_owned()).collect()
    }
}
